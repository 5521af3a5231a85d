import { useMemo } from 'preact/hooks';
import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { number } from './heat-map.jsx';
import { pathOf, reachOf } from './path.js';
import { distance, norm, routerOf } from './router.js';

/**
 * @typedef {import('./router.js').RouterParts} RouterParts
 * @typedef {import('../worker/protocol.js').Moment} Moment
 */

const side = 240;
const margin = 18;

/**
 * How the embedding has moved since the run began.
 *
 * @param {{ parts: RouterParts, moments: readonly Moment[], layer: number, step: number }} props layer: counted from 0
 */
export function PathView({ parts, moments, layer, step }) {
  const hyper = parts.hypernetwork;
  const stops = useMemo(
    () => (hyper ? stopsOf(hyper, moments, layer, step) : []),
    [hyper, moments, layer, step],
  );
  if (!hyper) {
    return (
      <Figure title="The way of the router embedding" name="path">
        <p class="nothing">This router has no embedding. Only “hyperrouter” makes its weights out of one.</p>
      </Figure>
    );
  }
  const path = pathOf(stops);
  const reach = reachOf(path.flatMap(({ x, y }) => [x, y]));
  const last = path.at(-1);
  const facts = last
    ? `At step ${count(last.step)} it is ${number(last.distance)} away from where it began; its own length is ${number(norm(stops[stops.length - 1].vector))}.`
    : 'No steps yet.';
  return (
    <Figure
      title="The way of the router embedding"
      name="path"
      caption={
        `v has ${hyper.embedding.columns} numbers; two fixed directions out of as many dimensions are shown, drawn at random. ` +
        'Older pieces are paler.'
      }
      table={() => <PathTable stops={stops} hyper={hyper} experts={parts.weight.rows} />}
    >
      <Plot path={path} reach={reach} label={`The way of v. ${facts}`} />
      <p class="help">{facts}</p>
    </Figure>
  );
}

/**
 * @param {import('./router.js').Hypernetwork} hyper
 * @param {readonly Moment[]} moments
 * @param {number} layer counted from 0
 * @param {number} step of now
 * @returns {{ step: number, vector: Float32Array }[]}
 */
function stopsOf(hyper, moments, layer, step) {
  const stops = moments
    .filter(({ embeddings }) => embeddings[layer])
    .map(({ step: at, embeddings }) => ({ step: at, vector: embeddings[layer] }));
  if (!stops.length || stops[stops.length - 1].step < step)
    stops.push({ step, vector: hyper.embedding.data });
  return stops;
}

/** @param {{ path: import('./path.js').PathPoint[], reach: number, label: string }} props */
function Plot({ path, reach, label }) {
  const place = (/** @type {number} */ value) => side / 2 + (value / reach) * (side / 2 - margin);
  const points = path.map(({ x, y }) => ({ x: place(x), y: place(-y) }));
  const end = points.at(-1);
  return (
    <svg class="path" viewBox={`0 0 ${side} ${side}`} role="img" aria-label={label}>
      <path class="path-axes" d={`M0 ${side / 2}H${side}M${side / 2} 0V${side}`} />
      {points.slice(1).map((point, i) => (
        <line
          key={i}
          class="path-piece"
          x1={points[i].x}
          y1={points[i].y}
          x2={point.x}
          y2={point.y}
          opacity={0.25 + (0.75 * (i + 1)) / points.length}
        />
      ))}
      <circle class="path-start" cx={side / 2} cy={side / 2} r="5" />
      {end && <circle class="path-now" cx={end.x} cy={end.y} r="5" />}
      <text class="path-text" x="4" y={side - 5}>
        ○ start ● now
      </text>
      <text class="path-text" x={side - 4} y={side / 2 - 5} text-anchor="end">
        {number(reach)}
      </text>
    </svg>
  );
}

/**
 * @param {object} props
 * @param {{ step: number, vector: Float32Array }[]} props.stops
 * @param {import('./router.js').Hypernetwork} props.hyper
 * @param {number} props.experts
 */
function PathTable({ stops, hyper, experts }) {
  const weights = stops.map(({ vector }) => routerOf(vector, hyper.first, hyper.second, experts).weight.data);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">v has moved by</th>
          <th scope="col">R has moved by</th>
          <th scope="col">length of R</th>
        </tr>
      </thead>
      <tbody>
        {stops.map(({ step, vector }, i) => (
          <tr key={step}>
            <th scope="row">{count(step)}</th>
            <td>{number(distance(vector, stops[0].vector))}</td>
            <td>{number(distance(weights[i], weights[0]))}</td>
            <td>{number(norm(weights[i]))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
