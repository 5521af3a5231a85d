import { maxPainted } from '../plane/painted.js';

/**
 * What a regressor gives along the curve, as one buffer. Layout, for P places and E experts: output float32 [P]; output of
 * each expert alone float32 [E, P]; routing: experts int32 [P, K], weights float32 [P, K], logits float32 [P, E].
 *
 * @typedef {{ experts: number, topK: number }} CurveShape E and K
 *
 * @typedef {object} CurveViews
 * @property {Float32Array} output [P]
 * @property {Float32Array} alone [E, P]
 * @property {import('../routing.js').LayerRouting} routing
 */

/** Inputs per call of the model (its `batchSize`), and in a training step: all points. */
export const capacity = maxPainted;

const count = 240;
/** Half the width of the figure, in units of the model's input. */
const half = 3;

/** The inputs at which the model is drawn, in the middle of equal parts of the axis. */
export const places = Float32Array.from({ length: count }, (_, i) => half * ((2 * i + 1) / count - 1));

/** The model's input at an x of a figure from −reach to reach. @param {number} x @param {number} reach */
export const inputAt = (x, reach) => (half * x) / reach;

/** @param {CurveShape} shape */
export const curveBytes = ({ experts, topK }) => 4 * count * (1 + 2 * experts + 2 * topK);

/**
 * @param {ArrayBuffer} buffer may be longer than needed
 * @param {CurveShape} shape
 * @returns {CurveViews}
 */
export function curveViews(buffer, { experts, topK }) {
  let at = 0;
  /** @template T @param {new (buffer: ArrayBuffer, at: number, length: number) => T} Kind @param {number} width @returns {T} */
  const next = (Kind, width) => {
    const view = new Kind(buffer, at, width * count);
    at += 4 * width * count;
    return view;
  };
  return {
    output: next(Float32Array, 1),
    alone: next(Float32Array, experts),
    routing: {
      experts: next(Int32Array, topK),
      weights: next(Float32Array, topK),
      logits: next(Float32Array, experts),
    },
  };
}
