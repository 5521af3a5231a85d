import { classInks, fillOf, letterOf, paper } from '../colours.js';
import { isWithoutExpert } from '../routing.js';
import { widthOf } from '../views/canvas.js';
import { reach } from './geometry.js';

/**
 * Drawing on a map's canvas. Lengths are in pixels of the canvas.
 *
 * @typedef {CanvasRenderingContext2D} Context
 */

const ink = '#1c1b19';

/**
 * Sets the canvas to the resolution of the screen.
 *
 * @param {HTMLCanvasElement} canvas square
 * @returns {{ context: Context, side: number, unit: number } | null} unit: canvas pixels per CSS
 *   pixel; null while the canvas is not shown
 */
export function prepare(canvas) {
  const context = canvas.getContext('2d');
  const width = widthOf(canvas);
  if (!context || !width) return null;
  const unit = globalThis.devicePixelRatio || 1;
  const side = Math.round(width * unit);
  if (canvas.width !== side) {
    canvas.width = side;
    canvas.height = side;
  }
  return { context, side, unit };
}

/**
 * Draws fields as pictures, through one small canvas that is reused.
 */
export function createTile() {
  const canvas = document.createElement('canvas');
  /** @type {ImageData | undefined} */
  let image;

  /**
   * @param {Context} context
   * @param {{ side: number, size: number, smooth: boolean }} shape size: cells a side of the field
   * @param {(pixels: Uint32Array) => void} paint
   */
  return function drawField(context, { side, size, smooth }, paint) {
    const own = /** @type {Context} */ (canvas.getContext('2d'));
    if (image?.width !== size) {
      canvas.width = size;
      canvas.height = size;
      image = own.createImageData(size, size);
    }
    paint(new Uint32Array(image.data.buffer));
    own.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = smooth;
    context.drawImage(canvas, 0, 0, side, side);
  };
}

/**
 * Lines with a light halo, so that they are visible on every colour.
 *
 * @param {Context} context
 * @param {{ side: number, size: number, unit: number, width: number, colour?: string, halo?: number }} look
 * @param {(draw: (x1: number, y1: number, x2: number, y2: number) => void) => void} trace
 */
export function drawLines(context, { side, size, unit, width, colour = ink, halo = 1 }, trace) {
  const scale = side / size;
  const path = new Path2D();
  trace((x1, y1, x2, y2) => {
    path.moveTo(x1 * scale, y1 * scale);
    path.lineTo(x2 * scale, y2 * scale);
  });
  context.lineCap = 'round';
  if (halo) {
    context.strokeStyle = 'rgb(253 252 250 / 65%)';
    context.lineWidth = (width + 2 * halo) * unit;
    context.stroke(path);
  }
  context.strokeStyle = colour;
  context.lineWidth = width * unit;
  context.stroke(path);
}

/**
 * The outline of a class's mark: circle, triangle, square, cross.
 *
 * @type {readonly ((path: Path2D, x: number, y: number, r: number) => void)[]}
 */
const marks = [
  (path, x, y, r) => {
    path.moveTo(x + r, y);
    path.arc(x, y, r, 0, 2 * Math.PI);
  },
  (path, x, y, r) => outline(path, x, y, 1.2 * r, [0, -1, 0.95, 0.7, -0.95, 0.7]),
  (path, x, y, r) => path.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r),
  (path, x, y, r) =>
    outline(
      path,
      x,
      y,
      1.15 * r,
      [
        -0.35, -1, 0.35, -1, 0.35, -0.35, 1, -0.35, 1, 0.35, 0.35, 0.35, 0.35, 1, -0.35, 1, -0.35, 0.35, -1,
        0.35, -1, -0.35, -0.35, -0.35,
      ],
    ),
];

/**
 * @param {Path2D} path
 * @param {number} x
 * @param {number} y
 * @param {number} r
 * @param {number[]} corners x and y in turn, in units of r
 */
function outline(path, x, y, r, corners) {
  for (let i = 0; i < corners.length; i += 2) {
    const [to, down] = [x + corners[i] * r, y + corners[i + 1] * r];
    if (i) path.lineTo(to, down);
    else path.moveTo(to, down);
  }
  path.closePath();
}

/**
 * @typedef {object} Dots
 * @property {import('./data.js').Vectors} all
 * @property {number} train the number of training points; the others are held out
 * @property {Int32Array | undefined} predicted [N] predicted classes
 */

/**
 * Draws points. The shape stands for the class; training points are filled, held-out ones hollow, misclassified ones
 * ringed. The marks are cached; only the rings are drawn each time.
 */
export function createDots() {
  const canvas = document.createElement('canvas');
  let drawn = { all: /** @type {Dots['all'] | null} */ (null), train: 0, side: 0 };

  /**
   * @param {Context} context
   * @param {{ side: number, unit: number }} look
   * @param {Dots} dots
   */
  return function drawDots(context, { side, unit }, { all, train, predicted }) {
    if (drawn.all !== all || drawn.train !== train || drawn.side !== side) {
      drawn = { all, train, side };
      canvas.width = side;
      canvas.height = side;
      drawMarks(/** @type {Context} */ (canvas.getContext('2d')), { side, unit }, { all, train });
    }
    context.drawImage(canvas, 0, 0);
    if (!predicted) return;
    const rings = new Path2D();
    const radius = 2 * radiusOf(side, unit);
    all.targets.forEach((id, i) => {
      if (predicted[i] === id) return;
      const { x, y } = spotOf(all, i, side);
      rings.moveTo(x + radius, y);
      rings.arc(x, y, radius, 0, 2 * Math.PI);
    });
    stroke(context, rings, paper, 3.5 * unit);
    stroke(context, rings, ink, 1.6 * unit);
  };
}

/**
 * @param {number} side
 * @param {number} unit
 */
const radiusOf = (side, unit) => Math.max(2.6 * unit, side / 100);

/**
 * @param {Dots['all']} all
 * @param {number} i
 * @param {number} side
 */
const spotOf = ({ inputs }, i, side) => ({
  x: ((inputs[2 * i] + reach) / (2 * reach)) * side,
  y: ((reach - inputs[2 * i + 1]) / (2 * reach)) * side,
});

/**
 * Points without rings.
 *
 * @param {Context} context
 * @param {{ side: number, unit: number }} look
 * @param {Omit<Dots, 'predicted'>} dots
 */
export function drawMarks(context, { side, unit }, { all, train }) {
  const radius = radiusOf(side, unit);
  const filled = marks.map(() => new Path2D());
  const hollow = marks.map(() => new Path2D());
  all.targets.forEach((id, i) => {
    const { x, y } = spotOf(all, i, side);
    marks[id]((i < train ? filled : hollow)[id], x, y, radius);
  });
  context.lineJoin = 'round';
  for (const path of filled) stroke(context, path, paper, 2.5 * unit);
  for (const [id, path] of filled.entries()) {
    context.fillStyle = classInks[id];
    context.fill(path);
  }
  context.fillStyle = paper;
  for (const path of hollow) stroke(context, path, paper, 3 * unit);
  for (const [id, path] of hollow.entries()) {
    context.fill(path);
    stroke(context, path, classInks[id], 1.5 * unit);
  }
}

/**
 * Marks the points that have fewer experts than were meant for them: a cross where no expert computes the point, a stroke
 * where some of its assignments were dropped.
 *
 * @param {Context} context
 * @param {{ side: number, unit: number }} look
 * @param {{ all: Dots['all'], train: number, outcomes: readonly import('../routing.js').Outcome[], withDots: boolean }} points
 *   withDots: whether these points are not drawn yet
 */
export function drawOutcomes(context, { side, unit }, { all, train, outcomes, withDots }) {
  const marked = outcomes.flatMap((outcome, i) => (outcome === 'routed' ? [] : [i]));
  if (!marked.length) return;
  if (withDots) {
    const some = {
      inputs: Float32Array.from(marked.flatMap((i) => [all.inputs[2 * i], all.inputs[2 * i + 1]])),
      targets: Int32Array.from(marked, (i) => all.targets[i]),
    };
    drawMarks(context, { side, unit }, { all: some, train: marked.filter((i) => i < train).length });
  }
  const strokes = new Path2D();
  const arm = 2.1 * radiusOf(side, unit);
  for (const i of marked) {
    const { x, y } = spotOf(all, i, side);
    strokes.moveTo(x - arm, y + arm);
    strokes.lineTo(x + arm, y - arm);
    if (!isWithoutExpert(outcomes[i])) continue;
    strokes.moveTo(x - arm, y - arm);
    strokes.lineTo(x + arm, y + arm);
  }
  context.lineCap = 'round';
  stroke(context, strokes, paper, 3.5 * unit);
  stroke(context, strokes, ink, 1.5 * unit);
}

/**
 * @param {Context} context
 * @param {Path2D} path
 * @param {string} colour
 * @param {number} width
 */
function stroke(context, path, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke(path);
}

/**
 * The letter of each expert in its largest region, if it fits.
 *
 * @param {Context} context
 * @param {{ side: number, size: number, unit: number, experts: number }} look
 * @param {ReturnType<typeof import('./regions.js').largestRegions>} regions
 */
export function drawLetters(context, { side, size, unit, experts }, regions) {
  const scale = side / size;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  for (const [expert, { x, y, clearance }] of regions) {
    const height = Math.min(22 * unit, 1.5 * clearance * scale);
    if (height < 9 * unit) continue;
    const { fill, text } = fillOf(expert, experts, 1);
    context.font = `700 ${height}px system-ui, sans-serif`;
    context.strokeStyle = fill;
    context.lineWidth = height / 3;
    context.strokeText(letterOf(expert), x * scale, y * scale);
    context.fillStyle = text;
    context.fillText(letterOf(expert), x * scale, y * scale);
  }
}
