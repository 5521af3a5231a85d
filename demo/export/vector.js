/**
 * A canvas that can also be drawn as SVG. The export requests the SVG by an event, so that it does not depend on the
 * figure, nor the figure on the export.
 */
const requestEvent = 'vector';

/**
 * For use as a `ref`, on the canvas or an element around it.
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
    element.addEventListener(requestEvent, answer);
    return () => element.removeEventListener(requestEvent, answer);
  };
}

/**
 * @param {Element} canvas
 * @returns {string | undefined} undefined: there is no SVG of it
 */
export function vectorOf(canvas) {
  /** @type {{ svg?: string }} */
  const detail = {};
  canvas.dispatchEvent(new CustomEvent(requestEvent, { detail, bubbles: true }));
  return detail.svg;
}

const wholeEvent = 'whole';

/** Before a picture is made: what waits because it is out of sight is drawn now. */
export const drawWhole = () => document.dispatchEvent(new Event(wholeEvent));

/**
 * @param {() => void} draw all that waits
 * @returns {() => void} ends it
 */
export function onDrawWhole(draw) {
  document.addEventListener(wholeEvent, draw);
  return () => document.removeEventListener(wholeEvent, draw);
}
