import { colourOf, fillOf, letterOf, textOn } from '../../colours.js';
import { fixed, loss } from '../../format.js';
import { reachOf } from '../../inside/path.js';
import { prepare } from '../../plane/draw.js';
import { useCanvas } from '../../views/drawing.js';
import { Figure } from '../../views/figure.jsx';
import { drawnAt, layer } from './tokens.js';

/**
 * @typedef {import('./run.js').Collapse} Collapse
 * @typedef {import('./run.js').Seen} Seen
 * @typedef {import('./tokens.js').Tokens} Tokens
 */

/**
 * The tokens of each model in two dimensions, the rows of its R, and where they pull.
 *
 * @param {{ collapse: Collapse, routers: Record<string, string> }} props routers: their labels
 */
export function CollapseFigure({ collapse, routers }) {
  const { models } = collapse;
  return (
    <Figure
      title="Tokens and rows of R (layer 2)"
      name="collapse"
      caption={
        'Each dot is the vector of a point before the second router, in the colour of its chosen expert. Arrows: rows of R, ' +
        'at a scale of their own. The dash through a dot is the line along which the gradient through its two weights moves it: ' +
        'the difference of the rows of its two experts.'
      }
      rows={() => [
        ['router', 'spread of the tokens', 'expert similarity', 'held-out loss, nats'],
        ...models.map((model) => [routers[model.router], ...numbersOf(model).map((value) => value ?? '')]),
      ]}
    >
      <CollapseModels models={models} routers={routers} />
    </Figure>
  );
}

/**
 * The three models beside each other.
 *
 * @param {{ models: readonly Seen[], routers: Record<string, string> }} props
 */
export function CollapseModels({ models, routers }) {
  return (
    <ol class="collapse-models">
      {models.map((model) => (
        <li key={model.router}>
          <h3>{routers[model.router]}</h3>
          <Plot model={model} label={routers[model.router]} />
          <Facts model={model} />
        </li>
      ))}
    </ol>
  );
}

/** Spread, expert similarity and held-out loss; undefined where they are not known. @param {Seen} model */
function numbersOf({ tokens, session }) {
  const measures = session.measures.value.entries.at(-1)?.layers[layer];
  const heldOut = session.losses.value.heldOut.at(-1)?.loss;
  return [tokens.value?.spread, measures?.expertSimilarity ?? undefined, heldOut];
}

/** @param {{ model: Seen }} props */
function Facts({ model }) {
  const [spread, similarity, heldOut] = numbersOf(model);
  const number = (/** @type {number | undefined} */ value) => (value === undefined ? '–' : fixed(value));
  return (
    <dl class="collapse-facts">
      <div>
        <dt>Spread (1: a line, 2: round)</dt>
        <dd>{number(spread)}</dd>
      </div>
      <div>
        <dt>Expert similarity</dt>
        <dd>{number(similarity)}</dd>
      </div>
      <div>
        <dt>Held-out loss, bits</dt>
        <dd>{loss(heldOut, 'bits')}</dd>
      </div>
    </dl>
  );
}

/** @param {{ model: Seen, label: string }} props */
function Plot({ model, label }) {
  const { hold } = useCanvas((canvas) => {
    const surface = prepare(canvas);
    if (surface && model.tokens.value) draw(surface, model.tokens.value);
  });
  const spread = model.tokens.value?.spread;
  return (
    <canvas
      ref={hold}
      role="img"
      aria-label={`${label}: tokens in two dimensions${spread === undefined ? '' : `, spread ${fixed(spread)}`}`}
    />
  );
}

/**
 * @param {{ context: CanvasRenderingContext2D, side: number, unit: number }} surface
 * @param {Tokens} tokens
 */
function draw({ context, side, unit }, { x, R, experts, topK }) {
  const count = x.length / 3;
  const rows = R.length / 3;
  const places = Array.from({ length: count }, (_, n) => drawnAt(x, n));
  const arrows = Array.from({ length: rows }, (_, e) => drawnAt(R, e));
  const scale = side / 2 / (1.08 * reachOf(places.flat(), 2));
  const longest = Math.max(...arrows.map(([a, b]) => Math.hypot(a, b)), Number.MIN_VALUE);
  const at = (/** @type {[number, number]} */ [a, b]) =>
    /** @type {[number, number]} */ ([side / 2 + a * scale, side / 2 - b * scale]);
  context.clearRect(0, 0, side, side);
  context.lineCap = 'round';
  // Where the gradient through the weights moves a token.
  context.strokeStyle = 'rgb(28 27 25 / 28%)';
  context.lineWidth = unit;
  context.beginPath();
  places.forEach((place, n) => {
    const [one, other] = [arrows[experts[n * topK]], arrows[experts[n * topK + 1]]];
    if (!one || !other) return;
    const [dx, dy] = [one[0] - other[0], one[1] - other[1]];
    const length = Math.hypot(dx, dy) || 1;
    const [px, py] = at(place);
    const reach = 9 * unit;
    context.moveTo(px - (dx / length) * reach, py + (dy / length) * reach);
    context.lineTo(px + (dx / length) * reach, py - (dy / length) * reach);
  });
  context.stroke();
  context.strokeStyle = '#fdfcfa';
  context.lineWidth = 0.75 * unit;
  places.forEach((place, n) => {
    const [px, py] = at(place);
    context.beginPath();
    context.arc(px, py, 3.2 * unit, 0, 2 * Math.PI);
    context.fillStyle = colourOf(experts[n * topK]);
    context.fill();
    context.stroke();
  });
  arrows.forEach(([a, b], e) => {
    drawArrow({ context, side, unit }, { a: a / longest, b: b / longest, expert: e, rows });
  });
}

/**
 * @param {{ context: CanvasRenderingContext2D, side: number, unit: number }} surface
 * @param {{ a: number, b: number, expert: number, rows: number }} row a, b: its direction, at most 1 long
 */
function drawArrow({ context, side, unit }, { a, b, expert, rows }) {
  const middle = side / 2;
  const [tipX, tipY] = [middle + 0.42 * side * a, middle - 0.42 * side * b];
  context.strokeStyle = '#1c1b19';
  context.lineWidth = 2 * unit;
  context.beginPath();
  context.moveTo(middle, middle);
  context.lineTo(tipX, tipY);
  context.stroke();
  const { fill } = fillOf(expert, rows, 1);
  context.beginPath();
  context.arc(tipX, tipY, 9 * unit, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.lineWidth = 1.5 * unit;
  context.stroke();
  context.fillStyle = textOn(fill);
  context.font = `600 ${11 * unit}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(letterOf(expert), tipX, tipY);
}
