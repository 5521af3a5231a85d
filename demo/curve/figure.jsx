import { letterOf } from '../colours.js';
import { fixed } from '../format.js';
import { dotsOf } from '../plane/decision.jsx';
import { reach } from '../plane/geometry.js';
import { HollowKey, PlaneMap } from '../plane/map.jsx';
import { PaintTools, StartPainting } from '../plane/paint-tools.jsx';
import { Figure } from '../views/figure.jsx';
import { drawCurve } from './draw.js';
import { stretchesInWords, stretchesOf } from './stretches.js';

/**
 * @typedef {import('../plane/run.js').PlaneRun} PlaneRun
 * @typedef {import('../state.js').State} State
 * @typedef {import('./draw.js').Drawn} Drawn
 */

/**
 * The points, and the model's output in the colours of the experts.
 *
 * @param {Parameters<typeof import('../plane/decision.jsx').DecisionFigure>[0]} props
 */
export function CurveFigure({ run, state, painter, cursor, hovered }) {
  const drawing = painter.active.value;
  const { all } = run.data.value;
  const drawn = drawnNow(run, state);
  return (
    <Figure
      title="Curve"
      name="curve"
      tools={!drawing && <StartPainting run={run} painter={painter} />}
      caption="Each expert learns a piece of the curve; the router learns where to use it."
      table={() => <PiecesTable drawn={drawn} />}
      rows={() => rowsOf(drawn)}
    >
      <PaintTools run={run} painter={painter} />
      <PlaneMap
        id="curve"
        label={`Curve, with ${all.targets.length} points.`}
        words={() => piecesInWords(drawnNow(run, state))}
        keys={
          drawing
            ? 'Arrow keys move the cursor, Enter draws a point, Delete erases the points nearby.'
            : 'Arrow keys move the cursor.'
        }
        describedBy="plane-readout"
        cursor={cursor}
        hovered={hovered}
        brush={drawing ? painter : null}
        draw={(on) => drawCurve(on, { dots: dotsOf(run, painter), drawn: drawnNow(run, state) })}
      />
      <ul class="key">
        <li>
          <i class="key-line" /> line: output, in the colour of the largest weight
        </li>
        {drawn?.shape.alone && (
          <li>
            <i class="key-line is-dashed" /> dashed: a chosen expert alone
          </li>
        )}
        <HollowKey />
      </ul>
    </Figure>
  );
}

/**
 * What is shown of a regressor; null: there is none yet.
 *
 * @param {PlaneRun} run
 * @param {State} state
 * @returns {Drawn | null} reads signals
 */
function drawnNow(run, state) {
  const map = run.map.value;
  return map?.views.line
    ? { shape: map.shape, line: map.views.line, layer: Number(state.get('layer')) - 1 }
    : null;
}

/** @param {Drawn | null} drawn */
function piecesOf(drawn) {
  const routing = drawn?.line.places[drawn.layer];
  if (!drawn || !routing) return [];
  return stretchesInWords(stretchesOf(routing.experts, drawn.shape.topK), drawn.shape.size);
}

/** @param {Drawn | null} drawn */
function piecesInWords(drawn) {
  const pieces = piecesOf(drawn).map(([letter, words]) => `${letter} for x from ${words}`);
  return pieces.length ? `Largest weight: expert ${pieces.join('; ')}.` : '';
}

/** @param {{ drawn: Drawn | null }} props */
function PiecesTable({ drawn }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Expert</th>
          <th scope="col">x where it has the largest weight</th>
        </tr>
      </thead>
      <tbody>
        {piecesOf(drawn).map(([letter, words]) => (
          <tr key={letter}>
            <th scope="row">{letter}</th>
            <td>{words}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** @param {Drawn | null} drawn @returns {import('../export/csv.js').Row[]} */
function rowsOf(drawn) {
  const { line, layer, shape } = drawn ?? {};
  const routing = line?.places[layer ?? 0];
  const topK = routing ? (shape?.topK ?? 0) : 0;
  const ranks = Array.from({ length: topK }, (_, k) => k);
  return [
    ['x', 'output', ...ranks.flatMap((k) => [`expert ${k + 1}`, `weight ${k + 1}`])],
    ...Array.from(line?.output ?? [], (y, place) => [
      ((2 * place + 1) / Number(shape?.size) - 1) * reach,
      y,
      ...ranks.flatMap((k) => {
        const at = place * topK + k;
        const expert = routing?.experts[at] ?? -1;
        return expert < 0 ? ['', ''] : [letterOf(expert), routing?.weights[at] ?? ''];
      }),
    ]),
  ];
}

/**
 * The output at a place, beside what the router says there.
 *
 * @param {{ output: Float32Array, place: { x: number } }} props
 */
export function OutputAt({ output, place: { x } }) {
  const at = Math.floor(((x + reach) / (2 * reach)) * output.length);
  return (
    <div class="readout-next">
      <p>
        Output at this x: <b>y {fixed(output[Math.min(output.length - 1, Math.max(0, at))])}</b>
      </p>
    </div>
  );
}
