import { useEffect, useRef } from 'preact/hooks';
import { inWords } from './checkpoint-file.js';

/**
 * Asks for what a checkpoint does not contain: published ones have tensors only.
 *
 * @param {{ opener: import('./file-opener.js').FileOpener, state: import('../state.js').State }} props
 */
export function OpenDialog({ opener, state }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const question = opener.question.value;
  useEffect(() => {
    if (question && !dialog.current?.open) dialog.current?.showModal();
    if (!question) dialog.current?.close();
  }, [question]);
  return (
    <dialog ref={dialog} aria-labelledby="open-title" onClose={opener.cancel}>
      {question && (
        <form
          class="open-model"
          onSubmit={(event) => {
            event.preventDefault();
            const form = new FormData(event.currentTarget);
            const file = form.get('vocabulary');
            opener.answer(configOf(form), file instanceof File && file.name ? file : undefined);
          }}
        >
          <h2 id="open-title">Complete {question.described.name}</h2>
          <p class="help">From its tensors: {inWords(question.described)}.</p>
          {question.vocabulary && <VocabularyField size={question.described.vocabSize} />}
          {question.config && <ConfigFields described={question.described} state={state} />}
          {question.problem && (
            <p class="open-problem" role="alert">
              {question.problem}
            </p>
          )}
          <div class="row">
            <button type="submit" class="primary">
              Open model
            </button>
            <button type="button" onClick={opener.cancel}>
              Cancel
            </button>
          </div>
        </form>
      )}
    </dialog>
  );
}

/** @param {{ size: number }} props */
function VocabularyField({ size }) {
  return (
    <div class="field">
      <label for="open-vocabulary">Vocabulary ({size} symbols)</label>
      <input
        id="open-vocabulary"
        name="vocabulary"
        type="file"
        accept=".json,.txt"
        aria-describedby="open-vocabulary-help"
      />
      <p class="help" id="open-vocabulary-help">
        JSON from the package, or a text file with one character, or the number of one byte, per line.
      </p>
    </div>
  );
}

/**
 * @param {{ described: import('./checkpoint-file.js').Described, state: import('../state.js').State }} props
 */
function ConfigFields({ described: { routers, shapes }, state }) {
  const experts = Number(shapes.experts);
  return (
    <>
      {routers.length > 1 && (
        <div class="field">
          <label for="open-router">Router</label>
          <select id="open-router" name="router" aria-describedby="open-router-help">
            {routers.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
          <p class="help" id="open-router-help">
            These routers have the same tensors; they differ in which of them are trained.
          </p>
        </div>
      )}
      <div class="open-numbers">
        <NumberField
          name="topK"
          label="Experts per token (k)"
          min={1}
          max={experts}
          value={Math.min(2, experts)}
        />
        <NumberField
          name="contextLength"
          label="Context length"
          min={2}
          max={512}
          value={Number(state.peek('contextLength'))}
        />
        <NumberField
          name="memoryLength"
          label="Memory length"
          min={0}
          max={1024}
          value={Number(state.peek('memoryLength'))}
        />
        <NumberField
          name="batchSize"
          label="Batch size"
          min={1}
          max={32}
          value={Number(state.peek('batchSize'))}
        />
      </div>
      <p class="help">
        Use the values from training if you know them, at least for k. Context and memory (in tokens) may be
        shorter: the model is then faster but sees less.
      </p>
      <label class="check">
        <input type="checkbox" name="preLayerNorm" />
        <span>Pre-layer norm (published models do not use it)</span>
      </label>
    </>
  );
}

/** @param {{ name: string, label: string, min: number, max: number, value: number }} props */
function NumberField({ name, label, min, max, value }) {
  return (
    <div class="field">
      <label for={`open-${name}`}>{label}</label>
      <input
        id={`open-${name}`}
        name={name}
        type="number"
        required
        min={min}
        max={max}
        defaultValue={String(value)}
      />
    </div>
  );
}

/** @param {FormData} form */
function configOf(form) {
  /** @type {import('./checkpoint-file.js').Config} */
  const config = {};
  for (const key of ['topK', 'contextLength', 'memoryLength', 'batchSize']) {
    if (form.has(key)) config[key] = Number(form.get(key));
  }
  if (form.has('router')) config.router = String(form.get('router'));
  config.preLayerNorm = form.has('preLayerNorm');
  return config;
}
