import { saveFile } from '../export/save.js';
import { compact } from '../format.js';
import { idleKeys } from '../schema.js';
import { Field } from './field.jsx';
import { Later } from './later.jsx';
import { SaveRun, shareableOf } from './share.jsx';

/**
 * @typedef {import('../run.js').Run} Run
 * @typedef {import('../state.js').State} State
 */

/**
 * What is trained, and how.
 *
 * @param {object} props
 * @param {Run} props.run
 * @param {State} props.state
 * @param {(problems: string[]) => void} props.onProblems
 * @param {import('preact').ComponentChildren} props.source what is learned, and where it comes from
 * @param {(files: File[]) => void} [props.openFiles] opens a model out of one file or two; by default the run does, of one
 */
export function Controls({ run, state, onProblems, source, openFiles }) {
  const idle = idleKeys(state.schema, state.values.value);
  const fields = (/** @type {string} */ group) =>
    state.schema
      .filter((setting) => setting.group === group && setting.control !== 'none')
      .map(({ key }) => (
        <Field key={key} state={state} name={key} onProblems={onProblems} disabled={idle.has(key)} />
      ));
  const built = run.summary.value;
  return (
    <section class="controls" aria-label="Settings" tabIndex={-1}>
      <Later>
        {source}
        <div class="group">
          <h2>The model</h2>
          {fields('model')}
          {built && (
            <p class="facts">
              <b>{compact(built.parameterCount)}</b> numbers in the model, of which{' '}
              <b>{compact(built.trainableParameterCount)}</b> are learned.
            </p>
          )}
          {fields('training')}
          <details class="more">
            <summary>More settings</summary>
            {fields('more')}
          </details>
        </div>
        <Checkpoints run={run} openFiles={openFiles} />
      </Later>
    </section>
  );
}

/** @param {{ run: Run, openFiles?: (files: File[]) => void }} props */
function Checkpoints({ run, openFiles }) {
  return (
    <div class="group">
      <h2>Keep it</h2>
      <div class="row">
        <button type="button" disabled={!run.summary.value} onClick={() => save(run)}>
          Save the model
        </button>
        <label class="button">
          Open a model
          <input
            type="file"
            accept={openFiles ? '.safetensors,.json,.txt' : '.safetensors'}
            multiple={openFiles !== undefined}
            class="unseen"
            onChange={async (event) => {
              const files = [...(event.currentTarget.files ?? [])];
              event.currentTarget.value = '';
              if (!files.length) return;
              if (openFiles) openFiles(files);
              else await run.open(new Uint8Array(await files[0].arrayBuffer()));
            }}
          />
        </label>
        <SaveRun what={shareableOf(run)} />
      </div>
      <p class="help">
        A model is a safetensors file with all that was learned: training goes on from it.
        {openFiles &&
          ' The command line opens it too, to measure it or to let it write. Published models open here; ' +
            'choose the file of their vocabulary along with them.'}{' '}
        A run is its settings, and all losses and measures as numbers.
      </p>
    </div>
  );
}

/** @param {Run} run */
async function save(run) {
  try {
    const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (await run.save());
    saveFile(`hyperrouter-step-${run.step.peek()}.safetensors`, bytes, 'application/octet-stream');
  } catch (error) {
    run.report(error);
  }
}

/** The way to the settings where pictures come first, on a narrow screen: the eye, and the focus too. */
export function ToSettings() {
  return (
    <button type="button" class="quiet to-settings" onClick={toSettings}>
      Settings
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        <path d="M6 1v9M2 6.5l4 4 4-4" />
      </svg>
    </button>
  );
}

function toSettings() {
  const settings = /** @type {HTMLElement} */ (document.querySelector('.controls'));
  settings.focus({ preventScroll: true });
  settings.scrollIntoView();
}
