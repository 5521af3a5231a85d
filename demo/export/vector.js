/**
 * A chart on a canvas that can also be drawn with lines and letters. Whoever makes a picture of it asks by an event,
 * so that neither needs to know the other.
 */
const question = 'vector';

/**
 * For use as a `ref`, on the canvas or what it is in.
 *
 * @param {() => string} draw SVG, from the upper left corner of the canvas, in pixels
 * @returns {(element: Element | null) => (() => void) | undefined}
 */
export function drawnAs(draw) {
  return (element) => {
    if (!element) return undefined;
    const answer = (/** @type {Event} */ event) => {
      /** @type {CustomEvent<{ svg?: string }>} */ (event).detail.svg = draw();
    };
    element.addEventListener(question, answer);
    return () => element.removeEventListener(question, answer);
  };
}

/**
 * @param {Element} canvas
 * @returns {string | undefined} undefined where nobody can draw it so
 */
export function vectorOf(canvas) {
  /** @type {{ svg?: string }} */
  const detail = {};
  canvas.dispatchEvent(new CustomEvent(question, { detail, bubbles: true }));
  return detail.svg;
}
