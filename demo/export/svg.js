/** @param {number} value */
export const number = (value) => String(Number(value.toFixed(2)));

/** @param {string} text */
export function escaped(text) {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** @typedef {{ left: number, top: number, width: number, height: number }} Rect */

/**
 * Helpers for one image: a canvas that measures text and parses colours, and unique names.
 */
export function createPen() {
  const context = /** @type {CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d'));
  let last = 0;

  /** @param {string} font as a style sheet writes it */
  function measure(font, text = 'x') {
    context.font = font;
    return context.measureText(text);
  }

  return {
    /** A name that is unique in the image. */
    name: () => `part-${++last}`,

    /** @param {string} font @param {string} text */
    widthOf: (font, text) => measure(font, text).width,

    /** Distance from the top of the text box to the baseline. @param {string} font */
    ascentOf: (font) => measure(font).fontBoundingBoxAscent,

    /** @param {string} font */
    heightOf: (font) => {
      const { fontBoundingBoxAscent, fontBoundingBoxDescent } = measure(font);
      return fontBoundingBoxAscent + fontBoundingBoxDescent;
    },

    /**
     * A colour as attributes that every SVG reader understands, whatever its CSS notation.
     *
     * @param {string} attribute
     * @param {string} colour as computed
     * @returns {string} empty if it is transparent
     */
    paint(attribute, colour) {
      context.fillStyle = '#000000';
      context.fillStyle = colour;
      const plain = String(context.fillStyle);
      const parts = plain.match(/^rgba\((\d+), (\d+), (\d+), ([\d.]+)\)$/);
      if (!parts) return `${attribute}="${plain}"`;
      const [, r, g, b, alpha] = parts;
      return Number(alpha) > 0 ? `${attribute}="rgb(${r},${g},${b})" ${opacities[attribute]}="${alpha}"` : '';
    },
  };
}

/** @type {Record<string, string>} */
const opacities = { fill: 'fill-opacity', stroke: 'stroke-opacity', 'stop-color': 'stop-opacity' };

/** @typedef {ReturnType<typeof createPen>} Pen */
