import { useComputed } from '@preact/signals';
import { letterOf } from '../colours.js';
import { Controls } from './controls.jsx';
import { Field } from './field.jsx';
import { Figure } from './figure.jsx';
import { LoadView } from './load.jsx';
import { LoadHistoryView } from './load-history.jsx';
import { LossView } from './loss.jsx';
import { Notices, StatusLine } from './notices.jsx';
import { RoutedTextView } from './routed-text.jsx';
import { TextKey, TextTable } from './text-key.jsx';
import { TopKView } from './top-k.jsx';
import { Transport } from './transport.jsx';
import { WritingView } from './writing.jsx';

/**
 * The page: where each part stands.
 *
 * @param {{ run: import('../run.js').Run, state: import('../state.js').State }} props
 */
export function App({ run, state }) {
  const onProblems = (/** @type {string[]} */ problems) => {
    for (const problem of problems) run.notify('note', `${problem}.`);
  };
  return (
    <>
      <Transport run={run} state={state} />
      <StatusLine run={run} state={state} />
      <Notices run={run} />
      <div class="columns">
        <Controls run={run} state={state} onProblems={onProblems} />
        <div class="column">
          <TextFigure run={run} state={state} />
          <WritingView run={run} state={state} />
        </div>
        <div class="column">
          <LossView run={run} state={state} />
          <LoadView run={run} state={state} />
          <LoadHistoryView run={run} state={state} />
          <TopKView run={run} state={state} />
        </div>
      </div>
    </>
  );
}

/** @param {{ run: import('../run.js').Run, state: import('../state.js').State }} props */
function TextFigure({ run, state }) {
  const tokens = useComputed(() => run.summary.value?.probe ?? new Uint8Array());
  const none = () => {};
  const last = letterOf(Number(state.get('experts')) - 1);
  return (
    <Figure
      title="Who takes which character"
      name="text"
      caption={
        `A passage that the model never trains on. Experts A to ${last} have no meaning but what they learn: ` +
        'in another run, or layer, the same letter stands for something else.'
      }
      table={() => <TextTable run={run} state={state} />}
    >
      <div class="tools">
        <Field state={state} name="layer" onProblems={none} />
        <Field state={state} name="strength" onProblems={none} />
        <Field state={state} name="letters" onProblems={none} />
      </div>
      <TextKey run={run} state={state} />
      <RoutedTextView
        id="probe"
        label="The passage, every character with its expert."
        text={run.probe}
        tokens={tokens.value}
        state={state}
      />
    </Figure>
  );
}
