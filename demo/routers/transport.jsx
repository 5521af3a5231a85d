import { count, loss as lossText } from '../format.js';
import { ToSettings } from '../views/controls.jsx';
import { Field } from '../views/field.jsx';
import { RunButtons } from '../views/run-buttons.jsx';
import { Share } from '../views/share.jsx';
import { Undo } from '../views/transport.jsx';
import { meanOf } from './bands.js';
import { groupsOf } from './groups.js';

/**
 * Start, pause, one step, reset; the step and the losses.
 *
 * @param {import('./room.jsx').Shown} props
 */
export function ComparisonTransport({ comparison, state }) {
  const trainees = comparison.trainees.value;
  const groups = groupsOf(trainees);
  const unit = /** @type {import('../format.js').Unit} */ (state.get('unit'));
  const step = comparison.step.value;
  const lastStep = Number(state.get('steps'));
  const over = step >= lastStep || !trainees.some((trainee) => trainee.status.value === 'ready');
  return (
    <section class="transport" aria-label="Training">
      <div class="transport-bar">
        <RunButtons
          status={comparison.status.value}
          over={over}
          start={comparison.start}
          pause={comparison.pause}
          oneStep={comparison.oneStep}
          reset={comparison.reset}
        />
        <dl class="facts-row router-losses">
          <div>
            <dt>
              Step<span class="wide-only"> of {count(lastStep)}</span>
            </dt>
            <dd>{count(step)}</dd>
          </div>
          {groups.map(({ router, trainees: runs }) => (
            <div key={router}>
              <dt>
                {state.settingOf(router).label}
                <span class="wide-only">, {unit}</span>
              </dt>
              <dd>{lossText(meanOf(runs.map(({ losses }) => losses.value.smooth.at(-1))), unit)}</dd>
            </div>
          ))}
        </dl>
      </div>
      <div class="transport-more">
        <Undo state={state} />
        <Field state={state} name="pace" onProblems={() => {}} />
        <Share what={shareableOf(comparison, state)} />
        <ToSettings />
      </div>
    </section>
  );
}

/**
 * @param {import('./comparison.js').Comparison} comparison
 * @param {import('../state.js').State} state
 * @returns {import('../views/share.jsx').Shareable}
 */
const shareableOf = (comparison, state) => ({
  name: 'routers',
  ready: () => comparison.trainees.value.length > 0,
  step: () => comparison.step.value,
  // No setting can change during a run, and all data come with the page.
  departures: () => [],
  records: ({ historyRecord }) =>
    comparison.trainees.peek().map((trainee) => ({
      task: comparison.kind.peek()?.name,
      router: trainee.router,
      settings: state.values.peek(),
      ...historyRecord(trainee, comparison.kind.peek()?.per ?? 'byte'),
    })),
  engine: () => comparison.trainees.peek()[0]?.engine,
  report: comparison.report,
});
