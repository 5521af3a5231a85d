import { useCallback } from 'preact/hooks';
import { count } from '../format.js';
import { StudyChoice } from '../results/choice.jsx';
import { createStudyPlace } from '../results/open.js';
import { StudyView } from '../results/study.jsx';
import { createSchema } from '../schema.js';
import { createVisits } from '../session/in-room.js';
import { createState } from '../state.js';
import { Notices, StatusLine } from '../views/notices.jsx';
import { ByKFigure } from './by-k.jsx';
import { createComparison } from './comparison.js';
import { GapFigure } from './gap-figure.jsx';
import { createKinds } from './kinds.js';
import { LossFigure } from './loss-figure.jsx';
import { ModelsTable } from './models-table.jsx';
import { ComparisonPanel } from './panel.jsx';
import { RoutingFigures } from './routing-figures.jsx';
import { chosenRouters, comparisonSettings, minRouters, routersOf } from './settings.js';
import { ComparisonTransport } from './transport.jsx';

/**
 * @typedef {object} Shown the props of the views of this room
 * @property {import('./comparison.js').Comparison} comparison
 * @property {import('../state.js').State} state
 */

/**
 * Models with different routers train on the same data, side by side.
 *
 * @param {import('../context.js').Context} context
 * @returns {Promise<import('../shell.js').Room>}
 */
export async function openRoom(context) {
  const { comparison, state, enter, leave } = await openComparison(context);
  const study = createStudyPlace(state, (text) => comparison.notify('problem', text));
  return {
    states: [state],
    // Several sessions train here; the comparison requests their frames itself.
    run: null,
    step: () => comparison.step.peek(),
    status: comparison.status,
    enter,
    leave,
    report: (problems) => {
      for (const problem of problems) comparison.notify('note', problem);
    },
    View: () => <ComparisonRoom comparison={comparison} state={state} study={study} />,
  };
}

/**
 * The comparison, its settings, and what to do when the room is entered or left.
 *
 * @param {import('../context.js').Context} context
 */
function openComparison({ engine, openClient, pictureEvery, shared }) {
  return shared('routers', async () => {
    const { language } = engine.fields;
    const state = createState(createSchema(comparisonSettings(language), language));
    const comparison = createComparison({
      openClient,
      state,
      kindOf: createKinds(engine),
      frameEvery: pictureEvery,
    });
    const { enter, leave } = createVisits({
      trained: comparison,
      state,
      onReturn: () =>
        comparison.notify('note', 'Training was paused while this tab was hidden. It continues now.'),
      restsWhenLeft: true,
    });
    return {
      comparison,
      state,
      leave,
      enter() {
        completeRouters(comparison, state);
        enter();
      },
    };
  });
}

/**
 * Adds routers if an address names too few for a comparison.
 *
 * @param {import('./comparison.js').Comparison} comparison
 * @param {import('../state.js').State} state
 */
function completeRouters(comparison, state) {
  const chosen = chosenRouters(state.schema, state.values.peek());
  if (chosen.length >= minRouters) return;
  const others = routersOf(state.schema).filter(({ name }) => !chosen.includes(name));
  const added = others.slice(0, minRouters - chosen.length);
  state.setAll(added.map(({ name }) => [name, true]));
  comparison.notify(
    'note',
    `A comparison needs at least ${minRouters} routers. Added: ${added.map(({ label }) => label).join(', ')}.`,
  );
}

/** @param {Shown & { study: import('../results/open.js').StudyPlace }} props */
function ComparisonRoom({ comparison, state, study }) {
  const shown = study.shown.value;
  const doing = useCallback(() => sentenceFor(comparison, state), [comparison, state]);
  return (
    <>
      <ComparisonTransport comparison={comparison} state={state} />
      <StatusLine run={/** @type {any} */ (comparison)} state={state} doing={doing} />
      <Notices run={/** @type {any} */ (comparison)} />
      <div class="columns columns-routers">
        <ComparisonPanel comparison={comparison} state={state}>
          <StudyChoice state={state} place={study} />
        </ComparisonPanel>
        <div class="column">
          {shown && <StudyView {...shown} onClose={study.close} />}
          <div class="beside">
            <div class="column">
              <LossFigure comparison={comparison} state={state} />
              <GapFigure comparison={comparison} state={state} />
            </div>
            <ModelsTable comparison={comparison} state={state} />
          </div>
          <ByKFigure comparison={comparison} state={state} />
          <RoutingFigures comparison={comparison} state={state} />
        </div>
      </div>
    </>
  );
}

/**
 * The status line.
 *
 * @param {import('./comparison.js').Comparison} comparison
 * @param {import('../state.js').State} state
 */
function sentenceFor(comparison, state) {
  const status = comparison.status.value;
  const step = count(comparison.step.value);
  const last = count(Number(state.get('steps')));
  if (status === 'building') return 'Building the models…';
  if (status === 'failed') return 'The models could not be built.';
  if (comparison.measuring.value) {
    const after = status === 'running' ? ' Training continues afterwards.' : '';
    return `Step ${step}: measuring every k on the held-out data.${after}`;
  }
  if (status === 'running') return `Training, step ${step} of ${last}.`;
  if (!comparison.step.value) return 'Ready. The models are untrained.';
  return comparison.step.value >= Number(state.get('steps'))
    ? `All ${last} steps are done. Increase the number of steps to continue.`
    : `Paused at step ${step} of ${last}.`;
}
