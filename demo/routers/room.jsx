import { useCallback } from 'preact/hooks';
import { count } from '../format.js';
import { createSchema } from '../schema.js';
import { createVisits } from '../session/in-room.js';
import { createState } from '../state.js';
import { ToSettings } from '../views/controls.jsx';
import { Notices, StatusLine } from '../views/notices.jsx';
import { ByKFigure } from './by-k.jsx';
import { createComparison } from './comparison.js';
import { GapFigure } from './gap-figure.jsx';
import { createKinds } from './kinds.js';
import { LossFigure } from './loss-figure.jsx';
import { ModelsTable } from './models-table.jsx';
import { ComparisonPanel } from './panel.jsx';
import { RoutingFigures } from './routing-figures.jsx';
import { chosenRouters, comparisonSettings, fewest, routersOf } from './settings.js';
import { ComparisonTransport } from './transport.jsx';

/**
 * @typedef {object} Shown what the views of this room are given
 * @property {import('./comparison.js').Comparison} comparison
 * @property {import('../state.js').State} state
 */

/**
 * Models with different routers learn the same, side by side.
 *
 * @param {import('../context.js').Context} context
 * @returns {Promise<import('../shell.js').Room>}
 */
export async function openRoom(context) {
  const { comparison, state, enter, leave } = await openComparison(context);
  return {
    states: [state],
    // What trains here is several sessions, whose frames the comparison asks for itself.
    run: null,
    step: () => comparison.step.peek(),
    status: comparison.status,
    enter,
    leave,
    report: (problems) => {
      for (const problem of problems) comparison.notify('note', problem);
    },
    View: () => <ComparisonRoom comparison={comparison} state={state} />,
  };
}

/**
 * The comparison with its settings, and what to do when the room is entered and left.
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
      onReturn: () => comparison.notify('note', 'Training waited while this tab was hidden; it goes on now.'),
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
 * An address may name too few routers for a comparison.
 *
 * @param {import('./comparison.js').Comparison} comparison
 * @param {import('../state.js').State} state
 */
function completeRouters(comparison, state) {
  const chosen = chosenRouters(state.schema, state.values.peek());
  if (chosen.length >= fewest) return;
  const others = routersOf(state.schema).filter(({ name }) => !chosen.includes(name));
  const added = others.slice(0, fewest - chosen.length).map(({ name }) => name);
  state.setAll(added.map((router) => [router, true]));
  comparison.notify(
    'note',
    `A comparison is of ${fewest} routers at least; ${added.join(' and ')} was added.`,
  );
}

/** @param {Shown} props */
function ComparisonRoom({ comparison, state }) {
  const doing = useCallback(() => sentenceFor(comparison, state), [comparison, state]);
  return (
    <>
      <ComparisonTransport comparison={comparison} state={state} />
      <StatusLine run={/** @type {any} */ (comparison)} state={state} doing={doing}>
        <ToSettings />
      </StatusLine>
      <Notices run={/** @type {any} */ (comparison)} />
      <div class="columns columns-routers">
        <ComparisonPanel comparison={comparison} state={state} />
        <div class="column">
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
 * Where the comparison is, for the status line.
 *
 * @param {import('./comparison.js').Comparison} comparison
 * @param {import('../state.js').State} state
 */
function sentenceFor(comparison, state) {
  const status = comparison.status.peek();
  const step = count(comparison.step.peek());
  const budget = count(Number(state.peek('steps')));
  if (status === 'building') return 'The models are being built.';
  if (status === 'failed') return 'The models could not be built.';
  if (comparison.measuring.peek()) {
    const rest = status === 'running' ? ' Training goes on afterwards.' : '';
    return `At step ${step}. Every k is tried on what is held out.${rest}`;
  }
  if (status === 'running') return `Training, step ${step} of ${budget}.`;
  if (!comparison.step.peek()) return 'Ready. Nothing is learned yet.';
  return comparison.step.peek() >= Number(state.peek('steps'))
    ? `The budget of ${budget} steps is used up. A larger one goes on from here.`
    : `Paused at step ${step} of ${budget}.`;
}
