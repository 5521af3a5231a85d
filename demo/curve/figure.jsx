import { colourOf, fillOf, letterOf } from '../colours.js';
import { fixed, percent } from '../format.js';
import { reach } from '../plane/geometry.js';
import { PlaneMap } from '../plane/map.jsx';
import { Chip, Figure } from '../views/figure.jsx';
import { drawCurve } from './draw.js';
import { places } from './frame.js';
import { stretchesInWords } from './stretches.js';

/**
 * @typedef {import('./run.js').Curve} Curve
 * @typedef {import('../plane/map.jsx').Place} Place
 */

/**
 * The points, the model's output in the colours of the experts, and the weight of each expert.
 *
 * @param {object} props
 * @param {Curve} props.curve
 * @param {import('../plane/painter.js').Painter} props.painter
 * @param {import('@preact/signals').Signal<Place>} props.cursor
 * @param {import('@preact/signals').Signal<Place | null>} props.hovered
 */
export function CurveFigure({ curve, painter, cursor, hovered }) {
  const draws = painter.active.value;
  return (
    <Figure
      title="Which expert has which piece"
      name="curve"
      caption={
        'Grey: the points. Line: the output of the model, in the colour of the expert with the largest weight. Dashed: what ' +
        'an expert gives alone, with weight 1, where it is chosen. Below: the weight of each chosen expert. With one expert ' +
        'per point, it is its share of a softmax over all experts; with two, their weights sum to 1. Letters are only labels.'
      }
      table={() => <PiecesTable curve={curve} />}
      rows={() => rowsOf(curve)}
    >
      <div class="curve-figure">
        <PlaneMap
          id="curve-map"
          label="Curve and experts."
          words={() => wordsOf(curve)}
          keys={
            draws
              ? 'Arrow keys move; Enter adds a point; Delete removes the points near it.'
              : 'Arrow keys move along the curve.'
          }
          describedBy="curve-readout"
          cursor={cursor}
          hovered={hovered}
          brush={draws ? painter : null}
          draw={(on) =>
            drawCurve(on, { points: painter.draft.value ?? curve.points.value, seen: curve.seen.value })
          }
        />
        <WeightBand curve={curve} />
        <Readout curve={curve} place={hovered.value ?? cursor.value} />
        <Pieces curve={curve} />
      </div>
    </Figure>
  );
}

/** @param {Curve} curve */
const piecesOf = ({ seen }) => stretchesInWords(seen.value?.stretches ?? [], places.length);

/** @param {Curve} curve */
function wordsOf(curve) {
  const pieces = piecesOf(curve).map(([letter, words]) => `${letter} for x from ${words}`);
  return pieces.length ? `Largest weight: expert ${pieces.join('; ')}.` : '';
}

/** Weight of each chosen expert over x, stacked by expert. @param {{ curve: Curve }} props */
function WeightBand({ curve }) {
  const seen = curve.seen.value;
  return (
    <div class="map curve-weights">
      <span class="map-y" aria-hidden="true">
        <span>1</span>
        <span>0</span>
      </span>
      <svg
        viewBox={`0 0 ${places.length} 1`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Weight of the experts over x. ${wordsOf(curve)}`}
      >
        {seen && bandsOf(seen).map((path, expert) => <path key={expert} d={path} fill={colourOf(expert)} />)}
      </svg>
    </div>
  );
}

/** @param {NonNullable<Curve['seen']['value']>} seen @returns {string[]} a path for each expert */
function bandsOf({ routing, topK, experts }) {
  const paths = Array.from({ length: experts }, () => '');
  for (let place = 0; place < places.length; place++) {
    const chosen = Array.from({ length: topK }, (_, k) => place * topK + k);
    chosen.sort((a, b) => routing.experts[a] - routing.experts[b]);
    let top = 1;
    for (const at of chosen) {
      const weight = routing.weights[at];
      // A little wider than a place, so that no gap shows between two.
      paths[routing.experts[at]] += `M${place} ${top.toFixed(4)}h1.05v${(-weight).toFixed(4)}h-1.05z`;
      top -= weight;
    }
  }
  return paths;
}

/** @param {{ curve: Curve, place: Place }} props */
function Readout({ curve, place }) {
  const seen = curve.seen.value;
  const share = (place.x + reach) / (2 * reach);
  const at = Math.min(places.length - 1, Math.max(0, Math.floor(share * places.length)));
  const { topK = 0, routing } = seen ?? {};
  const chosen = Array.from({ length: topK }, (_, k) => at * topK + k);
  return (
    <p class="curve-readout" id="curve-readout">
      x {fixed(place.x)}: output {seen ? fixed(seen.output[at]) : '–'}
      {routing &&
        seen &&
        chosen.map((one) => {
          const expert = routing.experts[one];
          return (
            <span key={one}>
              , expert <Chip letter={letterOf(expert)} {...fillOf(expert, seen.experts, 1)} /> weight{' '}
              {percent(routing.weights[one])}
            </span>
          );
        })}
    </p>
  );
}

/** @param {{ curve: Curve }} props */
function Pieces({ curve }) {
  const experts = curve.seen.value?.experts ?? 0;
  const pieces = new Map(piecesOf(curve));
  return (
    <ul class="curve-pieces">
      {Array.from({ length: experts }, (_, expert) => (
        <li key={expert}>
          <Chip letter={letterOf(expert)} {...fillOf(expert, experts, 1)} />{' '}
          {pieces.get(letterOf(expert)) ?? 'nowhere first'}
        </li>
      ))}
    </ul>
  );
}

/** @param {{ curve: Curve }} props */
function PiecesTable({ curve }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">expert</th>
          <th scope="col">x where it has the largest weight</th>
        </tr>
      </thead>
      <tbody>
        {piecesOf(curve).map(([letter, words]) => (
          <tr key={letter}>
            <th scope="row">{letter}</th>
            <td>{words}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** @param {Curve} curve @returns {import('../export/csv.js').Row[]} */
function rowsOf({ seen }) {
  const { output = [], routing, topK = 0 } = seen.value ?? {};
  const ranks = Array.from({ length: topK }, (_, k) => k);
  return [
    ['x', 'output', ...ranks.flatMap((k) => [`expert ${k + 1}`, `weight ${k + 1}`])],
    ...Array.from(output, (y, place) => [
      ((2 * place + 1) / places.length - 1) * reach,
      y,
      ...ranks.flatMap((k) =>
        routing ? [letterOf(routing.experts[place * topK + k]), routing.weights[place * topK + k]] : [],
      ),
    ]),
  ];
}
