import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { number } from './heat.js';
import { Line } from './line.jsx';
import { trajectoryRows } from './rows.js';

/** @typedef {import('./trajectory.js').TrajectoryPoint} TrajectoryPoint */

/**
 * The distance of R from its initial values.
 *
 * @param {{ isFrozen: boolean, trajectory: readonly TrajectoryPoint[], now: number }} props isFrozen: whether R is; now: the step that is
 *   shown
 */
export function RouterDrift({ isFrozen, trajectory, now }) {
  const last = trajectory.findLast(({ step }) => step <= now);
  if (!last) return null;
  const fact = isFrozen
    ? 'R is frozen: it never changes.'
    : `Step ${count(last.step)}: R is ${number(last.drift)} from its start.`;
  return (
    <Figure
      title="Router drift"
      name="router-drift"
      caption="Frobenius distance of R from its initial values. To compare, train another router for as many steps."
      table={() => <DriftTable trajectory={trajectory} />}
      rows={() => trajectoryRows(trajectory)}
    >
      <Line
        steps={trajectory.map(({ step }) => step)}
        values={trajectory.map(({ drift }) => drift)}
        range={[0, 0.25]}
        now={now}
        label={`Router drift over the steps. ${fact}`}
      />
      <p class="figure-fact">{fact}</p>
    </Figure>
  );
}

/** @param {{ trajectory: readonly TrajectoryPoint[] }} props */
function DriftTable({ trajectory }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">Router drift</th>
          <th scope="col">Mean cosine of rows</th>
        </tr>
      </thead>
      <tbody>
        {trajectory.map(({ step, drift, similarity }) => (
          <tr key={step}>
            <th scope="row">{count(step)}</th>
            <td>{number(drift)}</td>
            <td>{similarity === null ? '–' : number(similarity)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
