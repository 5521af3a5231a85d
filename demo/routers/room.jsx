import { useCallback } from 'preact/hooks';
import { count } from '../format.js';
import { ToSettings } from '../views/controls.jsx';
import { Notices, StatusLine } from '../views/notices.jsx';
import { comparisonBench } from './bench.js';
import { ByKFigure } from './by-k.jsx';
import { GapFigure } from './gap-figure.jsx';
import { LossFigure } from './loss-figure.jsx';
import { ModelsTable } from './models-table.jsx';
import { ComparisonPanel } from './panel.jsx';
import { RoutingFigures } from './routing-figures.jsx';
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
  const { comparison, state, enter, leave } = await comparisonBench(context);
  return {
    states: [state],
    // What trains here is several runs, which keep themselves.
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
