import { useMemo } from 'preact/hooks';
import { fillOf, letterOf, strengthOf, tie } from '../colours.js';
import { isCurve } from '../curve/data.js';
import { drawOutput } from '../curve/draw.js';
import { count, fixed, percent } from '../format.js';
import { gatingOf } from '../gates.js';
import { routes } from '../schema.js';
import { Field } from '../views/field.jsx';
import { Figure } from '../views/figure.jsx';
import { dotsOf, drawBorders } from './decision.jsx';
import { createDots, createTile, drawLetters, drawLines, drawOutcomes } from './draw.js';
import { confidences, entropies, ownershipShares, tied } from './fields.js';
import { cellAt } from './geometry.js';
import { routerLines } from './lines.js';
import { PlaneMap } from './map.jsx';
import { paintOwners } from './pixels.js';
import { PlaceTable } from './place-table.jsx';
import { paintNumbers, scaleColour } from './scale.js';

/**
 * @typedef {import('./run.js').PlaneRun} PlaneRun
 * @typedef {import('./views.js').PlaneViews} PlaneViews
 * @typedef {import('../state.js').State} State
 * @typedef {import('./map.jsx').Place} Place
 */

const none = () => {};

/**
 * The chosen expert of each place.
 *
 * @param {object} props
 * @param {PlaneRun} props.run
 * @param {State} props.state
 * @param {PlaneViews} props.views
 * @param {import('./painter.js').Painter} props.painter
 * @param {import('@preact/signals').Signal<Place>} props.cursor
 * @param {import('@preact/signals').Signal<Place | null>} props.hovered
 */
export function OwnershipFigure({ run, state, views, painter, cursor, hovered }) {
  const tile = useMemo(createTile, []);
  const dots = useMemo(createDots, []);
  const layer = views.layer.value;
  if (!routes(state)) {
    return (
      <Figure title="Chosen expert" name="ownership">
        <p class="nothing">A dense model has no router: one network processes every point.</p>
      </Figure>
    );
  }
  return (
    <Figure
      title={`Chosen expert (layer ${state.get('layer')})`}
      name="ownership"
      caption="Letters are only labels: A in another run or layer is unrelated."
      table={layer ? () => <OwnershipTable views={views} /> : undefined}
    >
      <div class="tools">
        <Field state={state} name="layer" onProblems={none} />
        <Field state={state} name="show" onProblems={none} without={withoutClasses(state)} />
      </div>
      <PlaneMap
        id="ownership"
        label={`Map of the chosen expert, layer ${state.get('layer')}.`}
        words={() => ownershipInWords(views, state)}
        keys="Arrow keys move the cursor."
        describedBy="plane-readout"
        cursor={cursor}
        hovered={hovered}
        before={neededBy(shownOf(state), views).map((needed) => () => needed.peek())}
        draw={(on) => {
          drawOwnership(on, tile, { run, state, views });
          if (views.layer.value && state.get('dots')) dots(on.context, on, dotsOf(run, painter));
          if (shownOf(state) === 'expert') drawLettersOf(on, views);
          const [points, outcomes] = [views.points.value, views.outcomes.value];
          if (!points || !outcomes || painter.draft.value) return;
          const { all, train } = points.data;
          const withDots = !state.get('dots');
          drawOutcomes(on.context, on, { all, train: train.targets.length, outcomes: outcomes.of, withDots });
        }}
      />
      <div>
        <div class="checks">
          <Field state={state} name="lines" onProblems={none} />
          <Field state={state} name="patterns" onProblems={none} />
          <Field state={state} name="dots" onProblems={none} />
        </div>
        <OwnershipKey state={state} views={views} />
      </div>
    </Figure>
  );
}

/** What cannot be shown of a regressor. @param {State} state */
const withoutClasses = (state) => (isCurve(state.values.value) ? ['prediction'] : []);

/** What the map shows. @param {State} state */
function shownOf(state) {
  const show = String(state.get('show'));
  return withoutClasses(state).includes(show) ? 'expert' : show;
}

/**
 * What a drawing needs, in the order of computation. Screen readers always need the owners.
 *
 * @param {string} show
 * @param {PlaneViews} views
 */
function neededBy(show, { owned, fineOwned, letterPlaces }) {
  return show === 'expert' ? [owned, fineOwned, letterPlaces] : [owned];
}

/**
 * @param {{ context: CanvasRenderingContext2D, side: number, unit: number }} on
 * @param {ReturnType<typeof createTile>} drawField
 * @param {{ run: PlaneRun, state: State, views: PlaneViews }} of
 */
function drawOwnership(on, drawField, { run, state, views }) {
  const { context, side, unit } = on;
  context.clearRect(0, 0, side, side);
  const layer = views.layer.value;
  const map = run.map.value;
  if (layer && map) {
    const { shape, routing } = layer;
    const show = shownOf(state);
    if (show === 'expert') drawOwners(on, drawField, views, Boolean(state.get('patterns')));
    else drawNumbers(on, drawField, numbersOf(show, { run, state, views }));
    if (state.get('lines')) {
      const look = { side, size: shape.size, unit, width: 0.8, colour: 'rgb(28 27 25 / 75%)', halo: 0.5 };
      drawLines(context, look, (draw) => routerLines(routing, shape, draw));
    }
    if (map.views.line) drawOutput(on, map.views.line.output);
    else drawBorders(on, map);
  }
}

/**
 * @param {{ context: CanvasRenderingContext2D, side: number, unit: number }} on
 * @param {PlaneViews} views
 */
export function drawLettersOf({ context, side, unit }, views) {
  const [layer, places] = [views.layer.value, views.letterPlaces.value];
  if (!layer || !places) return;
  const { size, experts } = layer.shape;
  drawLetters(context, { side, size, unit, experts }, places);
}

/**
 * @param {{ context: CanvasRenderingContext2D, side: number }} on
 * @param {ReturnType<typeof createTile>} drawField
 * @param {PlaneViews} views
 * @param {boolean} patterns
 */
export function drawOwners({ context, side }, drawField, views, patterns) {
  const [layer, owned] = [views.layer.value, views.fineOwned.value];
  if (!layer || !owned) return;
  const { size } = owned;
  const { experts, topK } = layer.shape;
  // Never smoothed: a mix of two experts' colours would look like a third expert.
  drawField(context, { side, size, smooth: false }, (pixels) =>
    paintOwners(pixels, owned, { size, experts, topK, patterns }),
  );
}

/**
 * @param {{ context: CanvasRenderingContext2D, side: number }} on
 * @param {ReturnType<typeof createTile>} drawField
 * @param {{ values: Float32Array, size: number, from: number, to: number } | null} numbers
 */
function drawNumbers({ context, side }, drawField, numbers) {
  if (!numbers) return;
  const { values, size } = numbers;
  drawField(context, { side, size, smooth: true }, (pixels) => paintNumbers(pixels, values, numbers));
}

/**
 * The numbers that the map shows, and their scale, which is fixed for the whole run.
 *
 * @param {string} show
 * @param {{ run: PlaneRun, state: State, views: PlaneViews }} of
 */
function numbersOf(show, { run, state, views }) {
  const [layer, map] = [views.layer.value, run.map.value];
  if (!layer || !map) return null;
  const { shape, routing } = layer;
  const { experts, size, classes } = shape;
  const scale = { size, ...rangeOf(show, shape) };
  if (show === 'weight') return { ...scale, values: views.owned.value?.weight ?? new Float32Array() };
  if (show === 'entropy') return { ...scale, values: entropies(routing.logits, experts) };
  if (show === 'prediction') return { ...scale, values: confidences(map.views.probabilities, classes) };
  const all = views.expertWeights.value ?? new Float32Array();
  const expert = Math.min(Number(state.get('alone')), experts) - 1;
  return { ...scale, values: all.subarray(expert * size * size, (expert + 1) * size * size) };
}

/**
 * @param {string} show
 * @param {{ topK: number, classes: number }} shape
 */
function rangeOf(show, { topK, classes }) {
  if (show === 'weight') return { from: topK > 1 ? 1 / topK : 0, to: 1 };
  if (show === 'prediction') return { from: 1 / classes, to: 1 };
  return { from: 0, to: 1 };
}

/** @param {{ state: State, views: PlaneViews }} props */
function OwnershipKey({ state, views }) {
  const layer = views.layer.value;
  if (!layer) return <ul class="key" />;
  const show = shownOf(state);
  const { experts, topK } = layer.shape;
  const border = (
    <li>
      <i class="key-line" /> black line: {isCurve(state.values.value) ? 'output' : 'decision boundary'}
    </li>
  );
  const lines = state.get('lines') ? (
    <li>
      <i class="key-line is-thin" /> thin line: routing boundary, where two experts swap ranks
    </li>
  ) : null;
  const marks = <OutcomeKey state={state} views={views} />;
  if (show !== 'expert') {
    const { from, to } = rangeOf(show, layer.shape);
    // A share but for the entropy, as everywhere.
    const told = show === 'entropy' ? fixed : percent;
    const stops = [0, 0.25, 0.5, 0.75, 1].map(scaleColour).join(', ');
    return (
      <ul class="key">
        <li>
          <span class="key-ends">
            {told(from)}
            <i class="key-scale" style={{ background: `linear-gradient(to right, ${stops})` }} />
            {told(to)}
          </span>
          {wordsFor(show, state)}
        </li>
        {border}
        {lines}
        {marks}
      </ul>
    );
  }
  return (
    <ul class="key">
      <li>
        <i style={{ background: fillOf(0, experts, 1).fill }} /> colour: the expert with the largest weight
      </li>
      {topK > 1 && (
        <li>
          <i style={{ background: fillOf(0, experts, strengthOf(1 / topK, topK)).fill }} /> paler: more weight
          on other experts
        </li>
      )}
      <li>
        <i style={{ background: tie }} /> grey: two experts tied
      </li>
      {border}
      {lines}
      {marks}
    </ul>
  );
}

/**
 * What the marks on points say, and of what the map under them is, with gates for which the points matter to each other.
 *
 * @param {{ state: State, views: PlaneViews }} props
 */
function OutcomeKey({ state, views }) {
  const { drops, varies, amongTokens } = gatingOf(state.schema, state.values.value);
  const outcomes = views.outcomes.value;
  if (!drops && !varies) return null;
  const total = outcomes ? ` of ${count(outcomes.of.length)} points` : '';
  return (
    <>
      {varies && !amongTokens && (
        <li>
          <i class="key-none" /> white: no expert
        </li>
      )}
      <li>
        <svg class="class-mark is-crossed" viewBox="-8 -8 16 16" aria-hidden="true">
          <circle r="3.2" />
          <path d="M-6.5-6.5 6.5 6.5M-6.5 6.5 6.5-6.5" />
        </svg>{' '}
        crossed out: no expert computes the point
        {outcomes && ` (${count(outcomes.without)}${total})`}
      </li>
      {drops && (
        <li>
          <svg class="class-mark is-crossed" viewBox="-8 -8 16 16" aria-hidden="true">
            <circle r="3.2" />
            <path d="M-6.5 6.5 6.5-6.5" />
          </svg>{' '}
          struck through: some of its assignments were dropped
          {outcomes && ` (${count(outcomes.partly)})`}
        </li>
      )}
      {(drops || amongTokens) && (
        <li class="key-words">
          {amongTokens
            ? 'Map: for a point alone, which gets its k experts of largest probability. Crosses: what experts chose among the points.'
            : 'Map: for a point alone, which no expert drops. Marks: all points at once, in their order.'}
        </li>
      )}
    </>
  );
}

/**
 * @param {string} show
 * @param {State} state
 */
function wordsFor(show, state) {
  if (show === 'weight') return 'weight of the chosen expert';
  if (show === 'entropy') return 'router entropy: 0 (certain) to 1 (uniform)';
  if (show === 'prediction') return 'probability of the predicted class';
  return `weight of expert ${letterOf(Number(state.get('alone')) - 1)}`;
}

/**
 * @param {PlaneViews} views
 * @param {State} state
 */
function ownershipInWords(views, state) {
  const [layer, owned] = [views.layer.value, views.owned.value];
  if (!layer || !owned) return '';
  const parts = ownershipShares(owned.first, layer.shape.experts);
  const words = parts.map(({ name, share }) => `${name} ${percent(share)}`);
  const [areas, others] = [words.slice(0, layer.shape.experts), words.slice(layer.shape.experts)];
  const shown = shownOf(state) === 'expert' ? '' : ` Shown: ${wordsFor(shownOf(state), state)}.`;
  const marks = outcomesInWords(views, state);
  return `Share of the map by chosen expert: ${areas.join(', ')}; ${others.join(', ')}.${shown}${marks}`;
}

/**
 * @param {PlaneViews} views
 * @param {State} state
 */
function outcomesInWords(views, state) {
  const { drops, varies } = gatingOf(state.schema, state.values.value);
  const outcomes = views.outcomes.value;
  if (!outcomes || (!drops && !varies)) return '';
  const { of, without, partly } = outcomes;
  const some = drops ? `, ${count(partly)} with some of their assignments dropped` : '';
  return ` Of ${count(of.length)} points, ${count(without)} have no expert${some}.`;
}

/** @param {{ views: PlaneViews }} props */
function OwnershipTable({ views }) {
  const [layer, owned] = [views.layer.value, views.owned.value];
  if (!layer || !owned) return null;
  return (
    <PlaceTable
      cell={(place) => {
        const row = cellAt(place, layer.shape.size);
        const expert = owned.first[row];
        if (expert < 0) return expert === tied ? 'tied' : 'no expert';
        return `${letterOf(expert)} ${percent(owned.weight[row])}`;
      }}
    />
  );
}
