import { useMemo } from 'preact/hooks';
import { percent } from '../format.js';
import { gatingOf } from '../gates.js';
import { Figure } from '../views/figure.jsx';
import { accuracyOf, vectorsOf } from './data.js';
import { createDots, createTile, drawLines } from './draw.js';
import { likeliestAt, margins } from './fields.js';
import { cellAt } from './geometry.js';
import { zeroLines } from './lines.js';
import { ClassMark, classNames, HollowKey, PlaneMap } from './map.jsx';
import { PaintTools, StartPainting } from './paint-tools.jsx';
import { paintClasses } from './pixels.js';
import { PlaceTable } from './place-table.jsx';

/**
 * @typedef {import('./run.js').PlaneRun} PlaneRun
 * @typedef {import('./run.js').PlaneMap} PlaneMapData
 */

/**
 * The predicted class of each place.
 *
 * @param {object} props
 * @param {PlaneRun} props.run
 * @param {import('../state.js').State} props.state
 * @param {import('./painter.js').Painter} props.painter
 * @param {import('@preact/signals').Signal<import('./map.jsx').Place>} props.cursor
 * @param {import('@preact/signals').Signal<import('./map.jsx').Place | null>} props.hovered
 */
export function DecisionFigure({ run, state, painter, cursor, hovered }) {
  const tile = useMemo(createTile, []);
  const dots = useMemo(createDots, []);
  const map = run.map.value;
  const { all, classes } = run.data.value;
  const painting = painter.active.value;
  const { drops, amongTokens } = gatingOf(state.schema, state.values.value);
  return (
    <Figure
      title="Predicted class"
      name="decision"
      tools={!painting && <StartPainting run={run} painter={painter} />}
      caption="Colour: predicted class, paler where the model is uncertain. Line: decision boundary."
      table={() => <DecisionTable map={map} />}
    >
      <PaintTools run={run} painter={painter} />
      <PlaneMap
        id="decision"
        label={`Map of the predicted class, with ${all.targets.length} points of ${classes} classes.`}
        words={() => decisionInWords(run.map.value, run.data.value)}
        keys={
          painting
            ? 'Arrow keys move the cursor, Enter paints a point, Delete erases the points nearby.'
            : 'Arrow keys move the cursor.'
        }
        describedBy="plane-readout"
        cursor={cursor}
        hovered={hovered}
        brush={painting ? painter : null}
        draw={(on) => {
          drawDecision(on, tile, run.map.value);
          dots(on.context, on, dotsOf(run, painter));
        }}
      />
      <ul class="key">
        {Array.from({ length: classes }, (_, id) => (
          <li key={id}>
            <ClassMark id={id} /> {classNames[id]}
          </li>
        ))}
        <HollowKey />
        <li>
          <svg class="class-mark is-ringed" viewBox="-8 -8 16 16" aria-hidden="true">
            <circle r="3" />
            <circle class="ring" r="6.5" />
          </svg>{' '}
          ringed: misclassified
        </li>
        {(drops || amongTokens) && (
          <li class="key-words">Map: for a point alone. Rings: all points at once.</li>
        )}
      </ul>
    </Figure>
  );
}

/**
 * The points to draw, including those of an unfinished stroke.
 *
 * @param {PlaneRun} run
 * @param {import('./painter.js').Painter} painter
 * @returns {import('./draw.js').Dots}
 */
export function dotsOf(run, painter) {
  const draft = painter.draft.value;
  if (draft) return { all: vectorsOf(draft), train: draft.length, predicted: undefined };
  const data = run.data.value;
  const map = run.map.value;
  // No rings on a map computed from other points, nor for an untrained model.
  const predicted = map?.data === data && map.step > 0 ? map.views.predicted : undefined;
  return { all: data.all, train: data.train.targets.length, predicted };
}

/**
 * @param {{ context: CanvasRenderingContext2D, side: number, unit: number }} on
 * @param {ReturnType<typeof createTile>} drawField
 * @param {PlaneMapData | null} map
 */
function drawDecision({ context, side, unit }, drawField, map) {
  context.clearRect(0, 0, side, side);
  if (map) {
    const { shape, views } = map;
    const { size, classes } = shape;
    drawField(context, { side, size, smooth: true }, (pixels) =>
      paintClasses(pixels, views.probabilities, classes),
    );
    drawBorders({ context, side, unit }, map);
  }
}

/**
 * The decision boundary: where the two most likely classes have the same probability.
 *
 * @param {{ context: CanvasRenderingContext2D, side: number, unit: number }} on
 * @param {PlaneMapData} map
 */
export function drawBorders({ context, side, unit }, { shape, views }) {
  const { size, classes } = shape;
  drawLines(context, { side, size, unit, width: 2 }, (draw) => {
    // Two classes share one boundary.
    for (let id = 0; id < (classes > 2 ? classes : 1); id++) {
      zeroLines(margins(views.probabilities, classes, id), size, draw);
    }
  });
}

/**
 * @param {PlaneMapData | null} map
 * @param {import('./data.js').PlaneData} data
 */
function decisionInWords(map, data) {
  const accuracy = accuracyOf(map, data);
  if (!accuracy || !map || !data.all.targets.length) return '';
  const { probabilities } = map.views;
  const areas = new Array(data.classes).fill(0);
  const places = probabilities.length / data.classes;
  for (let i = 0; i < places; i++) areas[likeliestAt(probabilities, i, data.classes)] += 1 / places;
  const shares = areas.map((share, id) => `${classNames[id]} ${percent(share)}`).join(', ');
  const heldOut = Number.isNaN(accuracy.heldOut) ? '' : `, held-out ${percent(accuracy.heldOut)}`;
  return `Accuracy: training ${percent(accuracy.train)}${heldOut}. Share of the map: ${shares}.`;
}

/** @param {{ map: PlaneMapData | null }} props */
function DecisionTable({ map }) {
  if (!map) return <p class="nothing">Shown once the model is built</p>;
  const { size, classes } = map.shape;
  const { probabilities } = map.views;
  return (
    <PlaceTable
      cell={(place) => {
        const row = cellAt(place, size);
        const id = likeliestAt(probabilities, row, classes);
        return `${classNames[id]} ${percent(probabilities[row * classes + id])}`;
      }}
    />
  );
}
