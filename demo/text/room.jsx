import { useComputed } from '@preact/signals';
import { useCallback, useMemo } from 'preact/hooks';
import { Controls, ToSettings } from '../views/controls.jsx';
import { Deferred } from '../views/deferred.jsx';
import { Field } from '../views/field.jsx';
import { Figure } from '../views/figure.jsx';
import { LoadView } from '../views/load.jsx';
import { LoadHistoryView } from '../views/load-history.jsx';
import { LossView } from '../views/loss.jsx';
import { Notices, StatusLine } from '../views/notices.jsx';
import { PresetChoice } from '../views/preset-choice.jsx';
import { RunsView } from '../views/runs.jsx';
import { Scrubber } from '../views/scrubber.jsx';
import { TopKView } from '../views/top-k.jsx';
import { Transport } from '../views/transport.jsx';
import { BarcodeView } from './barcode.jsx';
import { OpenDialog } from './open-dialog.jsx';
import { textPresets } from './presets.js';
import { RoutedTextView } from './routed-text.jsx';
import { openTextRun } from './run.js';
import { SpecialisationView } from './specialisation.jsx';
import { createSpotlight, litBy, nameOfSpot } from './spotlight.js';
import { TextKey, TextTable } from './text-key.jsx';
import { TextSource } from './text-source.jsx';
import { WritingView } from './writing.jsx';

/**
 * A language model learns a text; every character has the colour of its chosen expert.
 *
 * @param {import('../context.js').Context} context
 * @returns {Promise<import('../shell.js').Room>}
 */
export async function openRoom(context) {
  const { run, state, enter, leave } = await openTextRun(context);
  return {
    states: [state],
    run,
    enter,
    leave,
    report: (problems) => {
      for (const problem of problems) run.notify('note', problem);
    },
    View: () => <TextRoom run={run} state={state} />,
  };
}

/** @param {{ run: import('./run.js').TextRun, state: import('../state.js').State }} props */
function TextRoom({ run, state }) {
  const onProblems = (/** @type {string[]} */ problems) => {
    for (const problem of problems) run.notify('note', `${problem}.`);
  };
  const spotlight = useMemo(createSpotlight, []);
  const doing = useCallback(() => (run.writing.value ? 'Generating text.' : ''), [run]);
  return (
    <>
      <Transport run={run} state={state} />
      <StatusLine run={run} state={state} doing={doing}>
        <ToSettings />
      </StatusLine>
      <Notices run={run} />
      <OpenDialog opening={run.opening} state={state} />
      <div class="columns">
        <Controls
          run={run}
          state={state}
          onProblems={onProblems}
          openFiles={run.opening.openFiles}
          source={
            <div class="group">
              <h2>Training text</h2>
              <PresetChoice state={state} presets={textPresets} />
              <TextSource run={run} state={state} />
            </div>
          }
        />
        <div class="column">
          <TextFigure run={run} state={state} spotlight={spotlight} />
          <SpecialisationView run={run} state={state} spotlight={spotlight} />
          <BarcodeView run={run} state={state} />
          <WritingView run={run} state={state} />
        </div>
        <div class="column">
          <Deferred turn={2}>
            <LossView run={run} state={state} />
            <RunsView run={run} state={state} />
            <LoadView routed={run.probe} state={state} />
            <LoadHistoryView run={run} state={state} />
            <TopKView run={run} state={state} />
          </Deferred>
        </div>
      </div>
      <Scrubber run={run} />
    </>
  );
}

/**
 * @param {object} props
 * @param {import('./run.js').TextRun} props.run
 * @param {import('../state.js').State} props.state
 * @param {import('./spotlight.js').Spotlight} props.spotlight
 */
function TextFigure({ run, state, spotlight }) {
  const tokens = useComputed(() => run.data.value?.probe ?? new Int32Array());
  const lit = useComputed(() => {
    const spot = spotlight.spot.value;
    const routed = run.probe.value;
    return spot && routed ? litBy(spot, routed, run.data.value?.probeClasses ?? []) : null;
  });
  const none = () => {};
  return (
    <Figure
      title="Chosen expert per character"
      name="text"
      tools={<ShownOnly spotlight={spotlight} symbols={run.vocabulary.value.symbol} />}
      caption="A held-out passage. Letters are only labels: A in another run or layer is unrelated."
      table={() => <TextTable run={run} state={state} />}
    >
      <div class="tools">
        <Field state={state} name="layer" onProblems={none} />
        {state.get('layer') !== 0 && <Field state={state} name="strength" onProblems={none} />}
        <Field state={state} name="letters" onProblems={none} />
      </div>
      <TextKey run={run} state={state} />
      <RoutedTextView
        id="probe"
        label="Held-out passage with the experts of each character."
        text={run.probe}
        tokens={tokens.value}
        symbols={run.vocabulary.value.symbol}
        state={state}
        lit={lit}
      />
    </Figure>
  );
}

/**
 * Says which characters are highlighted, and resets that.
 *
 * @param {{ spotlight: import('./spotlight.js').Spotlight, symbols: import('./cells.js').Symbols }} props
 */
function ShownOnly({ spotlight, symbols }) {
  const spot = spotlight.pressed.value;
  if (!spot) return null;
  return (
    <button type="button" class="quiet" onClick={spotlight.clear}>
      Showing {nameOfSpot(spot, symbols)}. Show all
    </button>
  );
}
