import { useComputed } from '@preact/signals';
import { Field } from '../views/field.jsx';
import { Figure } from '../views/figure.jsx';
import { RoutedTextView } from './routed-text.jsx';

/**
 * Text generation, streamed, in the colours of the text above.
 *
 * @param {{ run: import('./run.js').TextRun, state: import('../state.js').State }} props
 */
export function WritingView({ run, state }) {
  const busy = run.writing.value;
  const tokens = useComputed(() => run.written.value?.tokens ?? new Int32Array());
  const { label, help, max } = state.settingOf('prompt');
  const none = () => {};
  return (
    <Figure
      title="Generate text"
      name="writing"
      caption="The model continues the prompt one token at a time. Training pauses meanwhile."
    >
      <form
        class="writing"
        onSubmit={(event) => {
          event.preventDefault();
          if (busy) run.stopWriting();
          else run.generate();
        }}
      >
        <div class="field field-prompt">
          <label for="prompt">{label}</label>
          <input
            id="prompt"
            type="text"
            autocomplete="off"
            maxLength={max}
            value={String(state.get('prompt'))}
            aria-describedby="prompt-help"
            onInput={(event) => state.set('prompt', event.currentTarget.value)}
          />
          <button type="submit" class="primary" disabled={!run.summary.value}>
            {busy ? 'Stop' : 'Generate'}
          </button>
          <p class="help" id="prompt-help">
            {help}
          </p>
        </div>
        <Field state={state} name="temperature" onProblems={none} />
        <Field state={state} name="topP" onProblems={none} />
        <Field state={state} name="length" onProblems={none} />
      </form>
      {tokens.value.length > 0 && (
        <RoutedTextView
          id="written"
          label="Generated text."
          text={run.written}
          tokens={tokens.value}
          symbols={run.vocabulary.value.symbol}
          state={state}
        />
      )}
    </Figure>
  );
}
