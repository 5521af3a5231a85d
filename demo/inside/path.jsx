import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { number } from './heat.js';
import { pathOf, reachOf } from './path.js';
import { trajectoryRows } from './rows.js';

/** @typedef {import('./trajectory.js').TrajectoryPoint} TrajectoryPoint */

const side = 320;
const half = side / 2;
const margin = 14;

/**
 * The path of the embedding since the start of the run.
 *
 * @param {{ trajectory: readonly TrajectoryPoint[], now: number }} props now: the step that is shown
 */
export function PathView({ trajectory, now }) {
  const withEmbedding = trajectory.filter(({ embedding }) => embedding);
  const shown = withEmbedding.filter(({ step }) => step <= now);
  const last = shown.at(-1);
  if (!last) return null;
  const size = last.embedding?.length ?? 0;
  const facts =
    `Step ${count(last.step)}: v is ${number(last.embeddingDistance)} from its start, ` +
    `after travelling ${number(last.embeddingPath)}.`;
  return (
    <Figure
      title="Path of v"
      name="path"
      caption={
        `v has ${size} components, projected onto two fixed random directions, the same for every run of this size. ` +
        'Older segments are paler.'
      }
      table={() => <PathTable trajectory={withEmbedding} />}
      rows={() => trajectoryRows(withEmbedding)}
    >
      <Plot trajectory={withEmbedding} shown={shown.length} label={`Path of v. ${facts}`} />
      <p class="figure-fact">{facts}</p>
    </Figure>
  );
}

/**
 * @param {object} props
 * @param {readonly TrajectoryPoint[]} props.trajectory of the whole run, which all fit into the plot
 * @param {number} props.shown how many of them
 * @param {string} props.label
 */
function Plot({ trajectory, shown, label }) {
  const all = pathOf(trajectory.map(({ embedding }) => /** @type {Float32Array} */ (embedding)));
  const reach = reachOf(
    all.flatMap(({ x, y }) => [x, y]),
    2 ** -6,
  );
  const place = (/** @type {number} */ value) => half + (value / reach) * (half - margin);
  const points = all.slice(0, shown).map(({ x, y }) => ({ x: place(x), y: place(-y) }));
  const end = points[points.length - 1];
  return (
    <svg class="path" viewBox={`0 0 ${side} ${side}`} role="img" aria-label={label}>
      <path class="path-axes" d={`M0 ${half}H${side}M${half} 0V${side}`} />
      {[reach / 2, reach].map((radius) => (
        <g key={radius}>
          <circle class="path-ring" cx={half} cy={half} r={place(radius) - half} />
          <text class="path-text" x={half + 4} y={place(-radius) + 13}>
            {Number(radius.toPrecision(3))}
          </text>
        </g>
      ))}
      {points.slice(1).map((point, i) => (
        <line
          key={i}
          class="path-piece"
          x1={points[i].x}
          y1={points[i].y}
          x2={point.x}
          y2={point.y}
          opacity={0.2 + (0.8 * (i + 1)) / (points.length - 1)}
        />
      ))}
      <circle class="path-start" cx={half} cy={half} r="5" />
      <circle class="path-now" cx={end.x} cy={end.y} r="5" />
      <text class="path-text" x="8" y={side - 10}>
        ○ start ● now
      </text>
    </svg>
  );
}

/** @param {{ trajectory: readonly TrajectoryPoint[] }} props */
function PathTable({ trajectory }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">Distance from start</th>
          <th scope="col">Path length</th>
        </tr>
      </thead>
      <tbody>
        {trajectory.map(({ step, embeddingDistance, embeddingPath }) => (
          <tr key={step}>
            <th scope="row">{count(step)}</th>
            <td>{number(embeddingDistance)}</td>
            <td>{number(embeddingPath)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
