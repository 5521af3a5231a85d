import { colourOf, fillOf, letterOf } from '../colours.js';
import { reach } from '../plane/geometry.js';
import { places } from './frame.js';

/**
 * Drawing of the curve. Lengths are in pixels of the canvas.
 *
 * @typedef {{ context: CanvasRenderingContext2D, side: number, unit: number }} On
 * @typedef {import('../plane/painted.js').Point} Point
 * @typedef {NonNullable<import('./run.js').Curve['seen']['value']>} Seen
 */

const ink = '#1c1b19';

/**
 * @param {On} on
 * @param {{ points: readonly Point[], seen: Seen | null }} of
 */
export function drawCurve(on, { points, seen }) {
  const { context, side } = on;
  context.clearRect(0, 0, side, side);
  context.lineJoin = 'round';
  drawPoints(on, points);
  if (!seen) return;
  const { output, alone, routing, topK, experts, stretches } = seen;
  for (let expert = 0; expert < experts; expert++) {
    const own = alone.subarray(expert * places.length, (expert + 1) * places.length);
    for (const { from, to } of chosenParts(routing.experts, topK, expert)) {
      drawLine(on, own, { from, to, colour: colourOf(expert), width: 1.5, dash: [6, 4] });
    }
  }
  for (const { expert, from, to } of stretches) {
    // Up to the next stretch, so that the line has no gaps.
    const end = Math.min(places.length, to + 1);
    drawLine(on, output, { from, to: end, colour: colourOf(expert), width: 4, dash: [] });
  }
  for (const stretch of stretches) drawLetter(on, stretch, experts);
}

/** @param {On} on @param {readonly Point[]} points */
function drawPoints({ context, side, unit }, points) {
  context.fillStyle = '#a8a49c';
  for (const { x, y } of points) {
    context.beginPath();
    context.arc(((x + reach) / (2 * reach)) * side, ((reach - y) / (2 * reach)) * side, 3 * unit, 0, 7);
    context.fill();
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
  for (let place = 0; place < places.length; place++) {
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
    const [x, y] = [((place + 0.5) / places.length) * side, ((reach - values[place]) / (2 * reach)) * side];
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
 * @param {number} experts
 */
function drawLetter({ context, side, unit }, { expert, from, to }, experts) {
  const radius = 9 * unit;
  const left = (from / places.length) * side;
  const right = (to / places.length) * side;
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
