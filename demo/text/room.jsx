import { effect, useComputed } from '@preact/signals';
import { useCallback, useEffect, useMemo } from 'preact/hooks';
import { gatingOf } from '../gates.js';
import { Controls, ToSettings } from '../views/controls.jsx';
import { Deferred } from '../views/deferred.jsx';
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
import { createPointed } from './pointed.js';
import { textPresets } from './presets.js';
import { addressOf, isPretrained, openingValues, settingsAt } from './pretrained.js';
import { Readout } from './readout.jsx';
import { openTextRun } from './run.js';
import { SpecialisationView } from './specialisation.jsx';
import { createSpotlight } from './spotlight.js';
import { TextStage } from './stage.jsx';
import { StartChoice } from './start-choice.jsx';
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
    enter(link) {
      // Whoever comes without a link, and has changed nothing.
      const isFirst = link === undefined && run.summary.peek() === null && state.address.peek() === '';
      if (isFirst) state.setAll(Object.entries(openingValues));
      enter(link);
    },
    leave,
    readAddress: (address) => state.readAddress(settingsAt(address)),
    addressOf: (settings) => addressOf(settings, state),
    report: (problems) => {
      for (const problem of problems) run.notify('note', problem);
    },
    View: () => <TextRoom run={run} state={state} />,
  };
}

/** Of the chart, pixels: on a low screen, so much that it ends on the first one. */
const lossHeight = () => (innerHeight < 820 ? 112 : 160);

/** @param {{ run: import('./run.js').TextRun, state: import('../state.js').State }} props */
function TextRoom({ run, state }) {
  const onProblems = (/** @type {string[]} */ problems) => {
    for (const problem of problems) run.notify('note', `${problem}.`);
  };
  const spotlight = useMemo(createSpotlight, []);
  const pointed = useMemo(() => createPointed({ probe: run.probe, written: run.written }), [run]);
  const shown = { run, state, spotlight, pointed };
  const doing = useCallback(() => (run.writing.value ? 'Generating text.' : ''), [run]);
  useEffect(() => writeOnce(run, state), [run, state]);
  return (
    <>
      <Transport run={run} state={state}>
        <ToSettings />
      </Transport>
      <StatusLine run={run} state={state} doing={doing} />
      <Notices run={run} />
      <OpenDialog opener={run.fileOpener} state={state} />
      <div class="columns columns-text">
        <Controls
          run={run}
          state={state}
          onProblems={onProblems}
          openFiles={run.fileOpener.openFiles}
          source={
            <div class="group">
              <h2>Training text</h2>
              <PresetChoice state={state} presets={textPresets} />
              <TextSource run={run} state={state} />
              <StartChoice state={state} />
            </div>
          }
        />
        <div class="column">
          <TextStage {...shown}>
            <WritingView {...shown} />
          </TextStage>
          <TextReadouts {...shown} />
          <SpecialisationView run={run} state={state} spotlight={spotlight} />
          <BarcodeView run={run} state={state} />
        </div>
        <div class="column">
          <Deferred turn={2}>
            <LoadView routed={run.probe} state={state} folded />
            <LossView
              run={run}
              state={state}
              height={lossHeight()}
              // That a loss looks ahead must not be asked for.
              folded={!gatingOf(state.schema, state.values.value).amongTokens}
            />
            <RunsView run={run} state={state} />
            <LoadHistoryView run={run} state={state} />
            <TopKView run={run} state={state} />
          </Deferred>
        </div>
      </div>
      <Scrubber run={run} />
    </>
  );
}

/** Runs whose model has written without being asked. @type {WeakSet<import('./run.js').TextRun>} */
const wrote = new WeakSet();

/**
 * The pretrained model shows what it can, once.
 *
 * @param {import('./run.js').TextRun} run
 * @param {import('../state.js').State} state
 */
function writeOnce(run, state) {
  return effect(() => {
    const isFresh = run.status.value === 'ready' && run.step.value === 0 && isPretrained(state.values.value);
    if (!isFresh || wrote.has(run) || run.writing.peek()) return;
    wrote.add(run);
    run.generate();
  });
}

/**
 * All numbers of the tokens that are pointed at.
 *
 * @param {import('./stage.jsx').Shown} props
 */
function TextReadouts({ run, state, pointed }) {
  const tokens = useComputed(() => run.data.value?.probe ?? new Int32Array()).value;
  const written = useComputed(() => run.written.value?.tokens ?? new Int32Array()).value;
  const { symbol: symbols } = run.vocabulary.value;
  return (
    <section class="readouts" aria-label="The token in numbers">
      <Readout of="probe" text={run.probe} {...{ tokens, symbols, pointed, state }} />
      {written.length > 0 && (
        <Readout of="written" text={run.written} tokens={written} {...{ symbols, pointed, state }} />
      )}
    </section>
  );
}
