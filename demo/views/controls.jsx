import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { saveFile } from '../export/save.js';
import { compact } from '../format.js';
import { gatingOf, topKHelp } from '../gates.js';
import { idleKeys } from '../schema.js';
import { Deferred } from './deferred.jsx';
import { Drawer } from './drawer.jsx';
import { Field } from './field.jsx';
import { SaveRun, shareableOf } from './share.jsx';

/**
 * @typedef {import('../run.js').Run} Run
 * @typedef {import('../state.js').State} State
 */

/**
 * The controls beside the figures: data, model and training settings, and saving.
 *
 * @param {object} props
 * @param {Run} props.run
 * @param {State} props.state
 * @param {(problems: string[]) => void} props.onProblems
 * @param {import('preact').ComponentChildren} props.source controls of the training data
 * @param {(files: File[]) => void} [props.openFiles] opens a model from one file or two; by default, the run
 *   opens one file
 */
export function Controls({ run, state, onProblems, source, openFiles }) {
  const values = state.values.value;
  const idle = idleKeys(state.schema, values);
  const token = ['point', 'value'].includes(run.task.per) ? 'point' : 'token';
  const fields = (/** @type {string} */ group) =>
    state.schema
      .filter(({ key, group: own, control }) => own === group && control !== 'none' && !idle.has(key))
      .map(({ key }) => (
        <Field
          key={key}
          state={state}
          name={key}
          onProblems={onProblems}
          help={key === 'topK' ? topKHelp(gatingOf(state.schema, values), token) : undefined}
        />
      ));
  const built = run.summary.value;
  return (
    <SettingsSheet>
      <Deferred>
        {source}
        <div class="group">
          <h2>Model</h2>
          <div class="group group-main">{fields('main')}</div>
          {built && (
            <p class="facts">
              <b>{compact(built.parameterCount)}</b> parameters,{' '}
              <b>{compact(built.trainableParameterCount)}</b> of them trainable.
            </p>
          )}
          <div class="drawers">
            <Drawer name="model" title="Size" about="experts, layers, widths">
              {fields('model')}
            </Drawer>
            <Drawer name="more" title="More settings" about="learning, balance, batch, seed">
              {fields('training')}
              {fields('more')}
            </Drawer>
            <Drawer name="files" title="Save and open" about="models and runs as files">
              <Checkpoints run={run} openFiles={openFiles} />
            </Drawer>
          </div>
        </div>
      </Deferred>
    </SettingsSheet>
  );
}

/**
 * The settings of a room: a column beside the figures, on a narrow screen a sheet.
 *
 * @param {{ children: import('preact').ComponentChildren }} props
 */
export function SettingsSheet({ children }) {
  // It would lie over the next room.
  useEffect(() => closeSheet, []);
  return (
    <section
      class={sheet.value ? 'controls is-open' : 'controls'}
      aria-label="Settings"
      tabIndex={-1}
      onKeyDown={({ key }) => {
        if (key === 'Escape' && sheet.value) hideSettings();
      }}
    >
      <div class="sheet-head">
        <b>Settings</b>
        <button type="button" onClick={hideSettings}>
          Done
        </button>
      </div>
      {children}
    </section>
  );
}

/** @param {{ run: Run, openFiles?: (files: File[]) => void }} props */
function Checkpoints({ run, openFiles }) {
  return (
    <>
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
              else await openFile(run, files[0]);
            }}
          />
        </label>
        <SaveRun what={shareableOf(run)} />
      </div>
      <p class="help">
        A model is saved as a safetensors file from which training can continue.
        {openFiles &&
          ' The command line can open it too. Models saved by other programs can be opened here; ' +
            'select the file of their vocabulary together with the model.'}{' '}
        A run contains the settings and all losses and metrics as numbers.
      </p>
    </>
  );
}

/**
 * @param {Run} run
 * @param {File} file
 */
async function openFile(run, file) {
  const { name } = file;
  try {
    const [bytes, { readHeader }] = await Promise.all([
      file.arrayBuffer().then((buffer) => new Uint8Array(buffer)),
      import('../text/checkpoint-file.js'),
    ]);
    // The engine knows no name.
    readHeader(name, bytes);
    await run.open(bytes, { name });
  } catch (error) {
    run.notify('problem', error instanceof Error ? error.message : String(error));
  }
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

/** Whether the settings are shown on a narrow screen: as a sheet over the lower half, so that their effect is seen. */
const sheet = signal(false);

/** Opens the settings and moves the focus there. For narrow screens. */
export function ToSettings() {
  return (
    <button
      type="button"
      class="quiet to-settings"
      aria-expanded={sheet.value}
      onClick={() => (sheet.value ? hideSettings() : showSettings())}
    >
      Settings
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        <path d="M6 11V2M2 5.5l4-4 4 4" />
      </svg>
    </button>
  );
}

/** Opens the sheet, if the settings are one and it is closed. @returns {boolean} whether it was */
export function openSheet() {
  const closed = document.querySelector('.controls')?.getClientRects().length === 0;
  if (closed) sheet.value = true;
  return closed;
}

export function closeSheet() {
  sheet.value = false;
}

function showSettings() {
  sheet.value = true;
  requestAnimationFrame(() => {
    /** @type {HTMLElement | null} */
    const settings = document.querySelector('.controls');
    settings?.focus({ preventScroll: true });
    const bar = document.querySelector('.transport-bar');
    if (!settings || !bar) return;
    // Below the text of a lesson, the sheet would cover Start.
    const covered = bar.getBoundingClientRect().bottom - settings.getBoundingClientRect().top;
    if (covered > 0) scrollBy({ top: covered });
  });
}

function hideSettings() {
  closeSheet();
  /** @type {HTMLElement | null} */ (document.querySelector('.to-settings'))?.focus({ preventScroll: true });
}
