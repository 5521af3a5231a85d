import { useMemo } from 'preact/hooks';
import { createPointed } from '../text/pointed.js';
import { addressOf, settingsAt } from '../text/pretrained.js';
import { openTextRun } from '../text/run.js';
import { createSpotlight } from '../text/spotlight.js';
import { TextFigure, TextStage } from '../text/stage.jsx';
import { LoadView } from '../views/load.jsx';
import { LossView } from '../views/loss.jsx';
import { Notices } from '../views/notices.jsx';
import { Transport } from '../views/transport.jsx';
import { partOf } from './address.js';
import { Embedded } from './whole.jsx';

/**
 * @typedef {import('../text/run.js').TextRun} TextRun
 * @typedef {import('../text/stage.jsx').Shown} Shown
 * @typedef {'stage' | 'text' | 'load' | 'loss'} TextPart
 */

/**
 * The room of an embedded figure of a text: its run, and one figure of it.
 *
 * @param {import('../context.js').Context} context
 * @param {string} name of the figure
 * @returns {Promise<import('../shell.js').Room>}
 */
export async function openPart(context, name) {
  const { run, state, enter, leave } = await openTextRun(context);
  const part = /** @type {TextPart} */ (partOf(name, 'room=text'));
  return {
    states: [state],
    run,
    enter,
    leave,
    readAddress: (address) => state.readAddress(settingsAt(address)),
    addressOf: (settings) => addressOf(settings, state),
    report: (problems) => {
      for (const problem of problems) run.notify('note', problem);
    },
    View: () => <Part run={run} state={state} part={part} />,
  };
}

/** @param {{ run: TextRun, state: import('../state.js').State, part: TextPart }} props */
function Part({ run, state, part }) {
  const spotlight = useMemo(createSpotlight, []);
  const pointed = useMemo(() => createPointed({ probe: run.probe, written: run.written }), [run]);
  const Figure = figures[part];
  return (
    <>
      <Transport run={run} state={state} />
      <Notices run={run} />
      <Embedded part={part} room="text" settings={addressOf(state.address.value, state)}>
        <Figure {...{ run, state, spotlight, pointed }} />
      </Embedded>
    </>
  );
}

/** @type {Record<TextPart, (props: Shown) => import('preact').ComponentChild>} */
const figures = {
  stage: TextStage,
  text: TextFigure,
  load: ({ run, state }) => <LoadView routed={run.probe} state={state} />,
  loss: ({ run, state }) => <LossView run={run} state={state} height={200} />,
};
