import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { studies } from './repository.js';

/**
 * Opens the results of a study: one of this project, or a file.
 *
 * @param {object} props
 * @param {import('../state.js').State} props.state
 * @param {import('./open.js').StudyPlace} props.place
 */
export function StudyChoice({ state, place }) {
  const { label } = state.settingOf('study');
  const name = String(state.get('study'));
  const shown = place.shown.value;
  return (
    <div class="group" data-setting="study">
      <h2>Results of a study</h2>
      <div class="field">
        <label for="setting-study">{label}</label>
        <select
          id="setting-study"
          value={name}
          aria-describedby="setting-study-help"
          onChange={(event) => {
            if (event.currentTarget.value) state.set('study', event.currentTarget.value);
            else place.close();
          }}
        >
          <option value="">{shown && !name ? 'from a file' : 'none'}</option>
          {[...studies.keys()].map((study) => (
            <option key={study} value={study}>
              {study}
            </option>
          ))}
        </select>
        <div class="row">
          <label class="button">
            Open results
            <input
              type="file"
              accept=".json"
              class="unseen"
              onChange={(event) => {
                const [file] = event.currentTarget.files ?? [];
                event.currentTarget.value = '';
                if (file) place.openFile(file);
              }}
            />
          </label>
        </div>
        <p class="help" id="setting-study-help">
          A study trains variants with several seeds and shows intervals. Each of its runs can be trained
          again here. Open the results.json of your own study, or drop it on the page.
        </p>
      </div>
      <DropResults place={place} />
    </div>
  );
}

/** @param {DragEvent} event */
const hasFile = ({ dataTransfer }) => dataTransfer?.types.includes('Files') ?? false;

/** Results can be dropped anywhere on the page. @param {{ place: import('./open.js').StudyPlace }} props */
function DropResults({ place }) {
  const over = useSignal(false);
  useEffect(() => {
    const end = new AbortController();
    const { signal } = end;
    addEventListener(
      'dragover',
      (event) => {
        if (!hasFile(event)) return;
        event.preventDefault();
        over.value = true;
      },
      { signal },
    );
    addEventListener(
      'dragleave',
      (event) => {
        if (!event.relatedTarget) over.value = false;
      },
      { signal },
    );
    addEventListener(
      'drop',
      (event) => {
        if (!hasFile(event)) return;
        event.preventDefault();
        over.value = false;
        const [file] = event.dataTransfer?.files ?? [];
        if (file) place.openFile(file);
      },
      { signal },
    );
    return () => end.abort();
  }, [place]);
  return over.value ? <div class="drop">Drop the results of a study to see them</div> : null;
}
