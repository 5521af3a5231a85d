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
    const observer = new ResizeObserver(() => {
      // Drawing must not be the cause of the next call.
      if (element.clientWidth === width) return;
      width = element.clientWidth;
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
