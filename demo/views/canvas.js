/** Last known widths of observed elements. */
const widths = /** @type {WeakMap<Element, number>} */ (new WeakMap());

/**
 * The width of an element in whole pixels. For an element that is observed by `onResize` it is known; reading it from the
 * element would force a layout.
 *
 * @param {Element} element
 */
export const widthOf = (element) => widths.get(element) ?? element.clientWidth;

/**
 * Calls back when the width of an element changes. For use as a `ref`: stops when the element is removed.
 *
 * @param {(element: HTMLElement) => void} callback
 * @returns {(element: HTMLElement | null) => (() => void) | undefined}
 */
export function onResize(callback) {
  return (element) => {
    if (!element) return undefined;
    let width = -1;
    // Not laid out yet: there is nothing to draw on.
    widths.set(element, 0);
    const observer = new ResizeObserver((entries) => {
      const now = Math.round(entries[entries.length - 1].contentRect.width);
      // Drawing must not cause the next call.
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
 * A colour from the style sheet, for drawing.
 *
 * @param {string} name of the custom property
 */
export function styleColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
