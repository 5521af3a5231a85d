import { colourOf, fillOf, letterOf } from '../colours.js';
import { reach } from '../plane/geometry.js';
import { stretchesOf } from './stretches.js';

/**
 * Drawing of the curve. Lengths are in pixels of the canvas.
 *
 * @typedef {{ context: CanvasRenderingContext2D, side: number, unit: number }} On
 * @typedef {import('../plane/draw.js').Dots} Dots
 *
 * @typedef {object} Drawn what the model gives, and the layer that is shown
 * @property {import('../plane/frame.js').MapShape} shape
 * @property {import('../plane/frame.js').Line} line
 * @property {number} layer counted from 0; a model without a router has none
 */

const ink = '#1c1b19';
/** Where no expert is chosen. */
const none = '#fdfcfa';

/**
 * @param {On} on
 * @param {{ dots: Dots, drawn: Drawn | null }} of
 */
export function drawCurve(on, { dots, drawn }) {
  const { context, side } = on;
  context.clearRect(0, 0, side, side);
  context.lineJoin = 'round';
  drawPoints(on, dots);
  if (!drawn) return;
  const { shape, line, layer } = drawn;
  const { size, experts, topK } = shape;
  const routing = line.places[layer];
  if (!routing) {
    drawOutput(on, line.output);
    return;
  }
  for (let expert = 0; expert * size < line.alone.length; expert++) {
    const own = line.alone.subarray(expert * size, (expert + 1) * size);
    for (const { from, to } of chosenParts(routing.experts, topK, expert)) {
      drawLine(on, own, { from, to, colour: colourOf(expert), width: 1.5, dash: [6, 4] });
    }
  }
  const stretches = stretchesOf(routing.experts, topK);
  for (const { expert, from, to } of stretches) {
    // Up to the next stretch, so that the line has no gaps.
    const end = Math.min(size, to + 1);
    drawLine(on, line.output, {
      from,
      to: end,
      colour: expert < 0 ? none : colourOf(expert),
      width: 4,
      dash: [],
    });
  }
  for (const stretch of stretches) if (stretch.expert >= 0) drawLetter(on, stretch, { size, experts });
}

/** The output alone, in ink. @param {On} on @param {Float32Array} output */
export const drawOutput = (on, output) =>
  drawLine(on, output, { from: 0, to: output.length, colour: ink, width: 2, dash: [] });

/** Held-out points are hollow. @param {On} on @param {Dots} dots */
function drawPoints({ context, side, unit }, { all, train }) {
  context.fillStyle = '#a8a49c';
  context.strokeStyle = '#8b867d';
  context.lineWidth = unit;
  for (let i = 0; i < all.targets.length; i++) {
    const [x, y] = all.inputs.subarray(2 * i, 2 * i + 2);
    context.beginPath();
    context.arc(((x + reach) / (2 * reach)) * side, ((reach - y) / (2 * reach)) * side, 2.5 * unit, 0, 7);
    if (i < train) context.fill();
    else context.stroke();
  }
}

/**
 * Where an expert is among the chosen ones.
 *
 * @param {ArrayLike<number>} chosen [P, K]
 * @param {number} topK K
 * @param {number} expert
 */
function chosenParts(chosen, topK, expert) {
  /** @type {{ from: number, to: number }[]} */
  const parts = [];
  for (let place = 0; place * topK < chosen.length; place++) {
    let is = false;
    for (let k = 0; k < topK; k++) is ||= chosen[place * topK + k] === expert;
    if (!is) continue;
    const last = parts.at(-1);
    if (last?.to === place) last.to++;
    else parts.push({ from: place, to: place + 1 });
  }
  return parts;
}

/**
 * A line with a dark edge, so that bright colours are visible on light paper.
 *
 * @param {On} on
 * @param {ArrayLike<number>} values [P]
 * @param {{ from: number, to: number, colour: string, width: number, dash: number[] }} look
 */
function drawLine({ context, side, unit }, values, { from, to, colour, width, dash }) {
  const path = new Path2D();
  for (let place = from; place < to; place++) {
    const [x, y] = [((place + 0.5) / values.length) * side, ((reach - values[place]) / (2 * reach)) * side];
    if (place === from) path.moveTo(x, y);
    else path.lineTo(x, y);
  }
  context.setLineDash(dash.map((length) => length * unit));
  context.lineCap = 'butt';
  context.strokeStyle = ink;
  context.lineWidth = (width + 1.5) * unit;
  context.stroke(path);
  context.strokeStyle = colour;
  context.lineWidth = width * unit;
  context.stroke(path);
  context.setLineDash([]);
}

/**
 * @param {On} on
 * @param {import('./stretches.js').Stretch} stretch
 * @param {{ size: number, experts: number }} of
 */
function drawLetter({ context, side, unit }, { expert, from, to }, { size, experts }) {
  const radius = 9 * unit;
  const left = (from / size) * side;
  const right = (to / size) * side;
  if (from > 0) {
    context.strokeStyle = 'rgb(28 27 25 / 30%)';
    context.lineWidth = unit;
    context.beginPath();
    context.moveTo(left, 0);
    context.lineTo(left, side);
    context.stroke();
  }
  // A letter in a narrower stretch would cover its neighbours'.
  if (right - left < 2 * radius) return;
  const [x, y] = [(left + right) / 2, side - 1.6 * radius];
  const { fill, text } = fillOf(expert, experts, 1);
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = ink;
  context.lineWidth = unit;
  context.stroke();
  context.fillStyle = text;
  context.font = `600 ${11 * unit}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(letterOf(expert), x, y);
}
