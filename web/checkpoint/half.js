/**
 * Numbers of 16 bits: f16 (IEEE 754 binary16) and bf16 (the upper half of an f32). Widening is exact; narrowing rounds to
 * the nearest, ties to even.
 */

const words = new Uint32Array(1);
const float = new Float32Array(words.buffer);

/** @param {number} half */
function widenF16(half) {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const mantissa = half & 1023;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** @param {number} half */
function widenBf16(half) {
  words[0] = half << 16;
  return float[0];
}

/** @param {number} value a float */
function narrowF16(value) {
  float[0] = value;
  const sign = (words[0] >>> 16) & 0x8000;
  const size = words[0] & 0x7fffffff;
  // Subnormal below 2^-14: a multiple of 2^-24. Adding and subtracting 2^52 rounds a double to an integer.
  if (size < 0x38800000) return sign | (Math.abs(value) * 2 ** 24 + 2 ** 52 - 2 ** 52);
  return sign | ((size - 0x38000000 + 0xfff + ((size >> 13) & 1)) >> 13);
}

/** @param {number} value a float */
function narrowBf16(value) {
  float[0] = value;
  return (words[0] + 0x7fff + ((words[0] >>> 16) & 1)) >>> 16;
}

/** By their names in safetensors; `largest`: larger values do not fit. */
const HALVES = {
  F16: { widen: widenF16, narrow: narrowF16, largest: 65504 },
  BF16: { widen: widenBf16, narrow: narrowBf16, largest: (2 - 2 ** -7) * 2 ** 127 },
};

/** @typedef {keyof typeof HALVES} Half */

/**
 * @param {string} dtype
 * @returns {dtype is Half}
 */
export const isHalf = (dtype) => Object.hasOwn(HALVES, dtype);

/**
 * @param {Uint8Array} bytes little-endian
 * @param {Half} dtype
 */
export function widen(bytes, dtype) {
  const one = HALVES[dtype].widen;
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) =>
    one(bytes[2 * i] | (bytes[2 * i + 1] << 8)),
  );
}

/**
 * @param {Float32Array} floats
 * @param {Half} dtype
 */
export function narrow(floats, dtype) {
  return Uint16Array.from(floats, HALVES[dtype].narrow);
}

/**
 * @param {Float32Array} floats
 * @param {Half} dtype
 * @returns {{ value: number, largest: number } | undefined} the first number that is too large
 */
export function tooLarge(floats, dtype) {
  const { largest } = HALVES[dtype];
  const value = floats.find((each) => Math.abs(each) > largest);
  return value === undefined ? undefined : { value, largest };
}
