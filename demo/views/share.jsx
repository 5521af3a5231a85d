import { useRef, useState } from 'preact/hooks';
import { count } from '../format.js';

/**
 * @typedef {import('../run.js').Run} Run
 * @typedef {typeof import('../export/run-record.js')} Records
 *
 * @typedef {object} Shareable what an address stands for
 * @property {string} name in names of files
 * @property {() => boolean} ready whether there is something to keep yet
 * @property {() => number} step
 * @property {() => readonly string[]} departures why whoever opens the address sees another run, a sentence each
 * @property {(records: Records) => object[]} records of its runs, as plain data
 * @property {() => import('../export/run-record.js').Engine | undefined} engine
 * @property {(error: unknown) => void} report
 */

/**
 * One run, as what is shared.
 *
 * @param {Run} run
 * @returns {Shareable}
 */
export const shareableOf = (run) => ({
  name: run.task.name,
  ready: () => run.summary.value !== null,
  step: () => run.step.value,
  departures: () => run.departures.value,
  records: ({ runRecord }) => [runRecord(run)],
  engine: () => run.session.engine,
  report: run.report,
});

/**
 * Copies the address of what is shown, and says what it is worth: whether whoever opens it sees the same run.
 *
 * @param {{ what: Shareable }} props
 */
export function Share({ what }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [outcome, setOutcome] = useState('');
  const [shown, setShown] = useState(false);

  async function copy() {
    field.current?.select();
    setOutcome(await copied(location.href));
  }

  return (
    <>
      <button
        type="button"
        onClick={() => {
          setShown(true);
          dialog.current?.showModal();
          if (field.current) field.current.value = location.href;
          copy();
        }}
      >
        Share
      </button>
      <dialog ref={dialog} aria-labelledby="share-title" onClose={() => setShown(false)}>
        <form method="dialog">
          <h2 id="share-title">Share this run</h2>
          <div class="share-address">
            <label for="share-address" class="unseen">
              The address
            </label>
            <input id="share-address" ref={field} type="text" readOnly autofocus />
            <button type="button" class="primary" onClick={copy}>
              Copy
            </button>
          </div>
          <p class="help" role="status">
            {outcome}
          </p>
          {shown && <Worth what={what} />}
          <div class="row">
            <button type="submit">Close</button>
            <SaveRun what={what} />
          </div>
        </form>
      </dialog>
    </>
  );
}

/** @param {{ what: Shareable }} props */
function Worth({ what }) {
  const departures = what.departures();
  const step = what.step();
  return (
    <>
      <p>
        Whoever opens this address and presses Start sees the same run, with every loss the same to the last
        bit. The address holds the data, the sizes and the seed, from which all that is random is drawn; and
        the engine is in its <code>simd</code> variant, which computes the same numbers in every browser, on
        every machine.
      </p>
      {departures.length > 0 ? (
        <div class="notice notice-problem share-departures">
          <p>
            <b>This run itself will not be repeated exactly.</b>
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
            It begins at step 0 there; where this run is now comes after {count(step)} steps.
          </p>
        )
      )}
    </>
  );
}

/**
 * @param {string} address
 * @returns {Promise<string>} what came of it, in words
 */
async function copied(address) {
  try {
    await navigator.clipboard.writeText(address);
    return 'The address is copied.';
  } catch {
    // Also where there is no clipboard at all, as on a page without encryption.
    return 'This browser does not let the page copy. The address is selected: copy it with Ctrl+C, or by a long press.';
  }
}

/**
 * All that is known of a run, as a file.
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
