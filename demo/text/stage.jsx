import { useComputed } from '@preact/signals';
import { Drawer } from '../views/drawer.jsx';
import { Field } from '../views/field.jsx';
import { Figure } from '../views/figure.jsx';
import { narrow, useMedia } from '../views/media.js';
import { TextMachine } from './machine.jsx';
import { RoutedTextView } from './routed-text.jsx';
import { litBy, nameOfSpot } from './spotlight.js';
import { TextKey, TextTable } from './text-key.jsx';

/**
 * @typedef {object} Shown what the figures of a text share
 * @property {import('./run.js').TextRun} run
 * @property {import('../state.js').State} state
 * @property {import('./spotlight.js').Spotlight} spotlight
 * @property {import('./pointed.js').Pointed} pointed
 */

/**
 * The passage, and the machine that its tokens go through. On a narrow screen the machine comes first.
 *
 * @param {Shown & { children?: import('preact').ComponentChildren }} props
 */
export function TextStage({ children, ...shown }) {
  const first = useMedia(narrow);
  return (
    <div class="text-stage">
      {first && <TextMachine key="machine" {...shown} />}
      <TextFigure key="text" {...shown} />
      {!first && <TextMachine key="machine" {...shown} />}
      {children}
    </div>
  );
}

/** A held-out passage in the colours of its experts. @param {Shown} props */
export function TextFigure({ run, state, spotlight, pointed }) {
  const tokens = useComputed(() => run.data.value?.probe ?? new Int32Array());
  const lit = useComputed(() => {
    const spot = spotlight.spot.value;
    const routed = run.probe.value;
    return spot && routed ? litBy(spot, routed, run.data.value?.probeClasses ?? []) : null;
  });
  const none = () => {};
  return (
    <Figure
      title="Chosen expert per token"
      name="text"
      folded
      tools={<ShownOnly spotlight={spotlight} symbols={run.vocabulary.value.symbol} />}
      caption="A held-out passage. Letters are only labels: A in another run or layer is unrelated."
      table={() => <TextTable run={run} state={state} />}
    >
      <Drawer name="view" title="Colours" about="layer, letters, key">
        <div class="tools">
          <Field state={state} name="layer" onProblems={none} />
          {state.get('layer') !== 0 && <Field state={state} name="strength" onProblems={none} />}
          <Field state={state} name="letters" onProblems={none} />
        </div>
        <TextKey run={run} state={state} />
      </Drawer>
      <RoutedTextView
        id="probe"
        label="Held-out passage with the experts of each token."
        text={run.probe}
        tokens={tokens.value}
        symbols={run.vocabulary.value.symbol}
        state={state}
        lit={lit}
        pointed={pointed}
        status={run.status}
      />
    </Figure>
  );
}

/**
 * Says which tokens are highlighted, and resets that.
 *
 * @param {{ spotlight: import('./spotlight.js').Spotlight, symbols: import('./cells.js').Symbols }} props
 */
function ShownOnly({ spotlight, symbols }) {
  const spot = spotlight.pressed.value;
  if (!spot) return null;
  return (
    <button type="button" class="quiet shown-only" onClick={spotlight.clear}>
      Showing {nameOfSpot(spot, symbols)}. Show all
    </button>
  );
}
