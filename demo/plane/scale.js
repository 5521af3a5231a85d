import { interpolateCividis } from 'd3-scale-chromatic';

/** Numbers as colours, in cividis. */

const scaleSteps = 256;

/** @param {number} share 0 … 1 @returns {string} a colour of the numeric scale */
export const scaleColour = (share) => interpolateCividis(share);

const scale = Uint32Array.from({ length: scaleSteps }, (_, i) => {
  const [r, g, b] = /** @type {RegExpMatchArray} */ (scaleColour(i / (scaleSteps - 1)).match(/\d+/g)).map(
    Number,
  );
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
});

/**
 * A number at each place.
 *
 * @param {Uint32Array} pixels written to
 * @param {Float32Array} values [N]
 * @param {{ from: number, to: number }} range
 */
export function paintNumbers(pixels, values, { from, to }) {
  const last = scaleSteps - 1;
  for (let i = 0; i < pixels.length; i++) {
    const share = to > from ? (values[i] - from) / (to - from) : 1;
    pixels[i] = scale[Math.round(Math.min(1, Math.max(0, share)) * last)];
  }
}
