import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { number } from './heat.js';
import { pathOf, reachOf } from './path.js';
import { courseRows } from './rows.js';

/** @typedef {import('./course.js').Course} Course */

const side = 320;
const half = side / 2;
const margin = 14;

/**
 * How the embedding has moved since the run began.
 *
 * @param {{ parts: import('./router.js').RouterParts, course: readonly Course[], now: number }} props now: the step that
 *   is shown
 */
export function PathView({ parts, course, now }) {
  const stops = course.filter(({ embedding }) => embedding);
  const shown = stops.filter(({ step }) => step <= now);
  const last = shown.at(-1);
  if (!last) {
    return (
      <Figure title="The way of v" name="path">
        <p class="nothing">{instead(parts)}</p>
      </Figure>
    );
  }
  const size = last.embedding?.length ?? 0;
  const facts =
    `At step ${count(last.step)} v is ${number(last.embeddingMoved)} away from where it began, ` +
    `after a way of ${number(last.embeddingWay)}.`;
  return (
    <Figure
      title="The way of v"
      name="path"
      caption={
        `v has ${size} numbers. Two directions at right angles are shown, drawn at random once and the same for every ` +
        'run of this size: the axes never turn. Older pieces are paler.'
      }
      table={() => <PathTable course={stops} />}
      rows={() => courseRows(stops)}
    >
      <Plot stops={stops} shown={shown.length} label={`The way of v. ${facts}`} />
      <p class="figure-fact">{facts}</p>
    </Figure>
  );
}

/**
 * @param {object} props
 * @param {readonly Course[]} props.stops of the whole run, which the frame holds
 * @param {number} props.shown how many of them
 * @param {string} props.label
 */
function Plot({ stops, shown, label }) {
  const all = pathOf(stops.map(({ embedding }) => /** @type {Float32Array} */ (embedding)));
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

/** @param {{ course: readonly Course[] }} props */
function PathTable({ course }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">From the start</th>
          <th scope="col">Way</th>
        </tr>
      </thead>
      <tbody>
        {course.map(({ step, embeddingMoved, embeddingWay }) => (
          <tr key={step}>
            <th scope="row">{count(step)}</th>
            <td>{number(embeddingMoved)}</td>
            <td>{number(embeddingWay)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/**
 * What is said of a router that has no embedding.
 *
 * @param {import('./router.js').RouterParts} parts
 */
function instead({ tensors, fates }) {
  if (fates.weight === 'learned') {
    return 'This router has no embedding: R itself is learned. How far that moves is shown beside.';
  }
  return tensors.some(({ trainable }) => trainable)
    ? 'This router has no embedding.'
    : 'This router has no embedding, and nothing of it moves.';
}
