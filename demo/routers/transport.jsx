import { count, loss as lossText } from '../format.js';
import { Field } from '../views/field.jsx';
import { Undo } from '../views/transport.jsx';

/**
 * Start, pause, one step, reset, and where all models are.
 *
 * @param {import('./room.jsx').Shown} props
 */
export function ComparisonTransport({ comparison, state }) {
  const status = comparison.status.value;
  const running = status === 'running';
  const lanes = comparison.lanes.value;
  const unit = /** @type {import('../format.js').Unit} */ (state.get('unit'));
  const step = comparison.step.value;
  const budget = Number(state.get('steps'));
  const waiting = status === 'building' || status === 'failed';
  const over = step >= budget || !lanes.some((lane) => lane.status.value === 'ready');
  return (
    <section class="transport" aria-label="Training">
      <div class="transport-buttons">
        <button
          type="button"
          class="primary start"
          disabled={waiting || (!running && over)}
          onClick={running ? comparison.pause : comparison.start}
        >
          <span aria-hidden="true" class={running ? 'icon-pause' : 'icon-start'} />
          {running ? 'Pause' : 'Start'}
        </button>
        <button type="button" disabled={waiting || running || over} onClick={comparison.oneStep}>
          One step
        </button>
        <button type="button" disabled={status === 'building'} onClick={comparison.reset}>
          Reset
        </button>
        <Undo state={state} />
        <Field state={state} name="pace" onProblems={() => {}} />
      </div>
      <dl class="facts-row">
        <div>
          <dt>
            Step<span class="wide-only"> of {count(budget)}</span>
          </dt>
          <dd>{count(step)}</dd>
        </div>
        {lanes.map(({ router, losses }) => (
          <div key={router}>
            <dt>
              {router}
              <span class="wide-only">, {unit}</span>
            </dt>
            <dd>{lossText(losses.value.smooth.at(-1), unit)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
