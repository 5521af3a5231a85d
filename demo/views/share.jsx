import { useRef, useState } from 'preact/hooks';
import { count } from '../format.js';
import { timeOf } from '../moments.js';
import { addressAt } from '../shell.js';
import { ShareEmbed } from './share-embed.jsx';

/**
 * @typedef {import('../run.js').Run} Run
 * @typedef {typeof import('../export/run-record.js')} Records
 *
 * @typedef {object} Shareable what a link reproduces
 * @property {string} name for file names
 * @property {() => boolean} ready whether there is anything to save yet
 * @property {() => number} step
 * @property {() => { step: number, past: boolean, most: number }} [time] the step that is shown, whether it is a past one,
 *   and how far a link may go by itself
 * @property {() => readonly string[]} departures why the link gives another run, one sentence per reason
 * @property {(records: Records) => object[]} records of its runs, as plain data
 * @property {() => import('../export/run-record.js').Engine | undefined} engine
 * @property {(error: unknown) => void} report
 */

/**
 * A single run as a `Shareable`.
 *
 * @param {Run} run
 * @returns {Shareable}
 */
export const shareableOf = (run) => ({
  name: run.taskName(),
  ready: () => run.summary.value !== null,
  step: () => run.step.value,
  time: () => ({ ...timeOf(run), most: run.task.replay }),
  departures: () => run.departures.value,
  records: ({ runRecord }) => [runRecord(run)],
  engine: () => run.session.engine,
  report: run.report,
});

/**
 * Copies the link and says whether it reproduces this run.
 *
 * @param {{ what: Shareable }} props
 */
export function Share({ what }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [outcome, setOutcome] = useState('');
  const [shown, setShown] = useState(false);
  const [atStep, setAtStep] = useState(false);

  /** @param {boolean} opensHere whether the link opens at the step that is shown */
  async function copy(opensHere = atStep) {
    const time = what.time?.();
    const address = opensHere && time ? addressAt(location.href, time.step) : location.href;
    if (field.current) field.current.value = address;
    field.current?.select();
    setOutcome(await copyLink(address));
  }

  return (
    <>
      <button
        type="button"
        onClick={() => {
          const opensHere = Boolean(what.time?.().past) && canOpenHere(what);
          setShown(true);
          setAtStep(opensHere);
          dialog.current?.showModal();
          copy(opensHere);
        }}
      >
        Share
      </button>
      <dialog ref={dialog} aria-labelledby="share-title" onClose={() => setShown(false)}>
        <form method="dialog">
          <h2 id="share-title">Share this run</h2>
          <div class="share-address">
            <label for="share-address" class="unseen">
              Link
            </label>
            <input id="share-address" ref={field} type="text" readOnly autofocus />
            <button type="button" class="primary" onClick={() => copy()}>
              Copy
            </button>
          </div>
          <p class="help" role="status">
            {outcome}
          </p>
          {shown && canOpenHere(what) && (
            <label>
              <input
                type="checkbox"
                checked={atStep}
                onChange={(event) => {
                  setAtStep(event.currentTarget.checked);
                  copy(event.currentTarget.checked);
                }}
              />{' '}
              Open at step {count(what.time?.().step ?? 0)}
            </label>
          )}
          {shown && <Reproducibility what={what} />}
          {shown && <ShareEmbed />}
          <div class="row">
            <button type="submit">Close</button>
            <SaveRun what={what} />
          </div>
        </form>
      </dialog>
    </>
  );
}

/**
 * Whether the page gets to the step that is shown by itself, and soon.
 *
 * @param {Shareable} what
 */
function canOpenHere(what) {
  const time = what.time?.();
  return Boolean(time && time.step > 0 && time.step <= time.most && !what.departures().length);
}

/** @param {{ what: Shareable }} props */
function Reproducibility({ what }) {
  const departures = what.departures();
  const step = what.step();
  return (
    <>
      <p>
        Anyone who opens this link and presses Start gets the same run, with every loss identical to the last
        bit. The link contains the choice of data, the sizes of the model and the seed of all random numbers.
        The page runs the <code>simd</code> variant of the engine, which computes the same numbers in every
        browser on every machine.
      </p>
      {departures.length > 0 ? (
        <div class="notice notice-problem share-departures">
          <p>
            <b>The link does not reproduce this run exactly.</b>
          </p>
          <ul>
            {departures.map((departure) => (
              <li key={departure}>{departure}</li>
            ))}
          </ul>
        </div>
      ) : (
        step > 0 && (
          <p class="help">
            The run starts again at step 0 and reaches the current state after {count(step)} steps.
          </p>
        )
      )}
    </>
  );
}

/**
 * @param {string} address
 * @returns {Promise<string>} a message to the user
 */
async function copyLink(address) {
  try {
    await navigator.clipboard.writeText(address);
    return 'Link copied.';
  } catch {
    // There is no clipboard at all on a page without HTTPS.
    return 'This browser does not allow copying. The link is selected: copy it with Ctrl+C or a long press.';
  }
}

/**
 * Saves everything that is known about a run.
 *
 * @param {{ what: Shareable }} props
 */
export function SaveRun({ what }) {
  return (
    <button type="button" disabled={!what.ready()} onClick={() => saveRun(what)}>
      Save the run as JSON
    </button>
  );
}

/** @param {Shareable} what */
async function saveRun(what) {
  try {
    const [records, { fileName, saveFile }] = await Promise.all([
      import('../export/run-record.js'),
      import('../export/save.js'),
    ]);
    const content = records.toJson({
      records: what.records(records),
      address: location.href,
      engine: what.engine(),
    });
    saveFile(fileName([what.name, 'run', `step ${what.step()}`], 'json'), content, 'application/json');
  } catch (error) {
    what.report(error);
  }
}
