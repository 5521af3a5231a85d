import { useComputed } from '@preact/signals';
import { Drawer } from '../views/drawer.jsx';
import { Field } from '../views/field.jsx';
import { Figure } from '../views/figure.jsx';
import { RoutedTextView } from './routed-text.jsx';

/**
 * Text generation, streamed, in the colours of the text above.
 *
 * @param {object} props
 * @param {import('./run.js').TextRun} props.run
 * @param {import('../state.js').State} props.state
 * @param {import('./pointed.js').Pointed} props.pointed
 */
export function WritingView({ run, state, pointed }) {
  const busy = run.writing.value;
  const tokens = useComputed(() => run.written.value?.tokens ?? new Int32Array());
  const { label, help, max } = state.settingOf('prompt');
  const none = () => {};
  return (
    <Figure
      title="Generate text"
      name="writing"
      folded
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
        <div class="field field-prompt" data-setting="prompt">
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
        <Drawer name="sampling" title="Sampling" about="temperature, top-p, length">
          <Field state={state} name="temperature" onProblems={none} />
          <Field state={state} name="topP" onProblems={none} />
          <Field state={state} name="length" onProblems={none} />
        </Drawer>
      </form>
      {tokens.value.length > 0 && (
        <RoutedTextView
          id="written"
          label="Generated text."
          text={run.written}
          tokens={tokens.value}
          symbols={run.vocabulary.value.symbol}
          state={state}
          pointed={pointed}
        />
      )}
    </Figure>
  );
}
