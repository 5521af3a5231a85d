import { count, inUnit, loss as lossText, unitName } from '../format.js';
import { routes } from '../schema.js';
import { Figure } from './figure.jsx';

/**
 * How well the model does with fewer or more experts for each character than it was trained with.
 *
 * @param {{ run: import('../run.js').Run, state: import('../state.js').State }} props
 */
export function TopKView({ run, state }) {
  const unit = /** @type {import('../format.js').Unit} */ (state.get('unit'));
  const measured = run.lossByK.value;
  const points = measured?.points ?? [];
  const values = points.map(({ loss }) => inUnit(loss, unit));
  const least = Math.min(...values);
  const most = Math.max(...values);
  const place = (/** @type {number} */ value) =>
    most > least ? ((value - least) / (most - least)) * 100 : 50;
  const running = run.measuring.value;
  return (
    <Figure
      title="How many experts does it need?"
      name="top-k"
      caption={
        measured
          ? `Loss on what is held out, ${unitName(unit, run.task.per)}, as the model was at step ${count(measured.step)}. Further left is better.`
          : 'The trained model can be asked with any number k of experts. This tries them all on what is held out.'
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
              <th scope="col">Loss</th>
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
        {running ? 'Stop' : measured ? 'Measure again' : 'Measure every k'}
      </button>
    </Figure>
  );
}
