import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { size } from '../format.js';
import { ownText, TooLongError, textOfFile } from './data.js';

/**
 * @typedef {import('./run.js').TextRun} Run
 * @typedef {import('../state.js').State} State
 * @typedef {import('./data.js').Text} Text
 */

/**
 * @param {Run} run
 * @param {() => Text | Promise<Text>} read
 */
async function useText(run, read) {
  try {
    await run.useText(await read());
  } catch (error) {
    if (!(error instanceof TooLongError)) return run.report(error);
    const { message, beginning } = error;
    run.notify('problem', message, [{ label: 'Use the beginning', act: () => useText(run, beginning) }]);
  }
}

/**
 * Dropped files: a text, or a model with or without a vocabulary.
 *
 * @param {Run} run
 * @param {readonly File[]} files
 */
function useFiles(run, files) {
  if (files.some(({ name }) => /\.safetensors$/i.test(name))) run.fileOpener.openFiles(files);
  else useFile(run, files[0]);
}

/**
 * @param {Run} run
 * @param {File | undefined} file
 */
const useFile = (run, file) => file && useText(run, () => textOfFile(file));

/**
 * The choice of the text: built in, from a file, or pasted.
 *
 * @param {{ run: Run, state: State }} props
 */
export function TextSource({ run, state }) {
  const picker = useRef(/** @type {HTMLInputElement | null} */ (null));
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const { label, help, choices = [] } = state.settingOf('text');
  const built = run.data.value;
  return (
    <div class="field" data-setting="text">
      <label for="setting-text">{label}</label>
      <select
        id="setting-text"
        value={String(state.get('text'))}
        aria-describedby="setting-text-help"
        onChange={(event) => {
          const { value } = event.currentTarget;
          if (value === 'own' && !run.hasOwnText()) {
            event.currentTarget.value = String(state.peek('text'));
            picker.current?.click();
          } else {
            state.set('text', value);
          }
        }}
      >
        {choices.map(({ value, label: words }) => (
          <option key={value} value={value}>
            {value === 'own' && state.get('text') === 'own' ? run.textName.value : words}
          </option>
        ))}
      </select>
      <div class="row">
        <label class="button">
          Open file
          <input
            ref={picker}
            type="file"
            class="unseen"
            onChange={(event) => {
              const [file] = event.currentTarget.files ?? [];
              event.currentTarget.value = '';
              useFile(run, file);
            }}
          />
        </label>
        <button type="button" onClick={() => dialog.current?.showModal()}>
          Paste
        </button>
      </div>
      <p class="help" id="setting-text-help">
        {built ? `${size(built.trainBytes)} for training, ${size(built.heldOutBytes)} held out. ` : help} You
        can also drop a file on the page. Files never leave this tab.
      </p>
      <PasteDialog run={run} dialog={dialog} />
      <DropTarget run={run} />
    </div>
  );
}

/** @param {{ run: Run, dialog: { current: HTMLDialogElement | null } }} props */
function PasteDialog({ run, dialog }) {
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  return (
    <dialog ref={dialog} aria-labelledby="paste-title">
      <form
        method="dialog"
        onSubmit={(event) => {
          if (/** @type {SubmitEvent} */ (event).submitter?.getAttribute('value') !== 'use') return;
          useText(run, () => ownText('Pasted text', area.current?.value ?? ''));
        }}
      >
        <h2 id="paste-title">Paste a text</h2>
        <label for="paste-text" class="help">
          At least a few thousand characters; more is better.
        </label>
        <textarea id="paste-text" ref={area} rows={12} />
        <div class="row">
          <button type="submit" value="use" class="primary">
            Use this text
          </button>
          <button type="submit" value="cancel">
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** Files can be dropped anywhere on the page. @param {{ run: Run }} props */
function DropTarget({ run }) {
  const over = useSignal(false);
  useEffect(() => {
    const hasFile = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files') ?? false;
    const onOver = (/** @type {DragEvent} */ event) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      over.value = true;
    };
    const onLeave = (/** @type {DragEvent} */ event) => {
      if (!event.relatedTarget) over.value = false;
    };
    const onDrop = (/** @type {DragEvent} */ event) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      over.value = false;
      useFiles(run, [...(event.dataTransfer?.files ?? [])]);
    };
    addEventListener('dragover', onOver);
    addEventListener('dragleave', onLeave);
    addEventListener('drop', onDrop);
    return () => {
      removeEventListener('dragover', onOver);
      removeEventListener('dragleave', onLeave);
      removeEventListener('drop', onDrop);
    };
  }, [run]);
  return over.value ? <div class="drop">Drop a text file to train on it, or a model to open it</div> : null;
}
