import { useRef, useState } from 'preact/hooks';
import { count } from '../format.js';

/**
 * @typedef {import('../run.js').Run} Run
 */

/**
 * Copies the address of what is shown, and says what it is worth: whether whoever opens it sees the same run.
 *
 * @param {{ runs: readonly Run[] }} props
 */
export function Share({ runs }) {
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
          {shown && <Worth runs={runs} />}
          <div class="row">
            <button type="submit">Close</button>
            <SaveRuns runs={runs} />
          </div>
        </form>
      </dialog>
    </>
  );
}

/** @param {{ runs: readonly Run[] }} props */
function Worth({ runs }) {
  const departures = [...new Set(runs.flatMap((run) => run.departures.value))];
  const step = Math.max(0, ...runs.map((run) => run.step.value));
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
 * All that is known of the runs, as a file.
 *
 * @param {{ runs: readonly Run[] }} props
 */
export function SaveRuns({ runs }) {
  const ready = runs.some((run) => run.summary.value);
  return (
    <button type="button" disabled={!ready} onClick={() => saveRuns(runs)}>
      Save the run as JSON
    </button>
  );
}

/** @param {readonly Run[]} runs */
async function saveRuns(runs) {
  try {
    const [{ runsAsJson }, { fileName, saveFile }] = await Promise.all([
      import('../export/run-record.js'),
      import('../export/save.js'),
    ]);
    const step = Math.max(...runs.map((run) => run.step.peek()));
    const parts = [runs[0].task.name, 'run', `step ${step}`];
    saveFile(fileName(parts, 'json'), runsAsJson(runs, location.href), 'application/json');
  } catch (error) {
    runs[0].report(error);
  }
}
