import { count, inUnit, loss as lossText, unitName, unitOf } from '../format.js';
import { gatingOf } from '../gates.js';
import { routes } from '../schema.js';
import { Figure } from './figure.jsx';

/**
 * Held-out loss of the model with fewer or more experts per token than in training.
 *
 * @param {{ run: import('../run.js').Run, state: import('../state.js').State }} props
 */
export function TopKView({ run, state }) {
  const unit = unitOf(state, run.task.per);
  const measured = run.lossByK.value;
  const points = measured?.points ?? [];
  const values = points.map(({ loss }) => inUnit(loss, unit));
  const lowest = Math.min(...values);
  const highest = Math.max(...values);
  const place = (/** @type {number} */ value) =>
    highest > lowest ? ((value - lowest) / (highest - lowest)) * 100 : 50;
  const running = run.measuring.value;
  if (gatingOf(state.schema, state.values.value).steered) {
    return (
      <Figure title="Held-out loss by k" name="top-k">
        <p class="nothing">With this gate, k does not decide how many experts a token gets.</p>
      </Figure>
    );
  }
  return (
    <Figure
      title="Held-out loss by k"
      name="top-k"
      caption={
        measured
          ? `Held-out loss at step ${count(measured.step)}, ${unitName(unit, run.task.per)}, with k experts per token. Further left is better.`
          : 'A model can run with any number k of experts per token. This evaluates every k on the held-out data.'
      }
      rows={
        points.length
          ? () => [
              ['k', `held-out loss, ${unitName(unit, run.task.per)}`],
              ...points.map(({ topK }, i) => [topK, values[i]]),
            ]
          : undefined
      }
    >
      {points.length > 0 && (
        <table class="by-k">
          <thead class="unseen">
            <tr>
              <th scope="col">k</th>
              <td />
              <th scope="col">Held-out loss</th>
            </tr>
          </thead>
          <tbody>
            {points.map(({ topK, loss }, i) => (
              <tr key={topK} class={topK === state.get('topK') ? 'is-current' : ''}>
                <th scope="row">k = {topK}</th>
                <td class="by-k-dot">
                  <span>
                    <i style={{ left: `${place(values[i])}%` }} />
                  </span>
                </td>
                <td>{lossText(loss, unit)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <button
        type="button"
        onClick={running ? run.stopMeasuring : run.measure}
        disabled={!run.summary.value || !routes(state)}
      >
        {running ? 'Stop' : measured ? 'Evaluate again' : 'Evaluate every k'}
      </button>
    </Figure>
  );
}
