/** What the last look at an element that is watched has found. */
const widths = /** @type {WeakMap<Element, number>} */ (new WeakMap());

/**
 * How wide an element is, in whole pixels. To ask the element itself lets the browser lay out the page at once; of one
 * that is watched by `onResize` it is known.
 *
 * @param {Element} element
 */
export const widthOf = (element) => widths.get(element) ?? element.clientWidth;

/**
 * Calls back when an element has got another size. For use as a `ref`: it stops when the element goes.
 *
 * @param {(element: HTMLElement) => void} callback
 * @returns {(element: HTMLElement | null) => (() => void) | undefined}
 */
export function onResize(callback) {
  return (element) => {
    if (!element) return undefined;
    let width = -1;
    // Not on the screen yet: there is nothing to draw on.
    widths.set(element, 0);
    const observer = new ResizeObserver((entries) => {
      const now = Math.round(entries[entries.length - 1].contentRect.width);
      // Drawing must not be the cause of the next call.
      if (now === width) return;
      width = now;
      widths.set(element, now);
      callback(element);
    });
    observer.observe(element);
    return () => observer.disconnect();
  };
}

/**
 * A colour of the page's style sheet, for drawing.
 *
 * @param {string} name of the custom property
 */
export function styleColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
