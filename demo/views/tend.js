import { drawnAs } from '../export/vector.js';

/**
 * Keeps a chart as wide as its box and in the colours of the page, and tells who makes a picture of it how to draw it.
 *
 * @param {Element} box
 * @param {() => import('uplot') | null | undefined} plotNow the one that is in the box
 * @param {() => string} svg of that one
 * @returns {() => void} ends it, and the chart too
 */
export function tendChart(box, plotNow, svg) {
  const observer = new ResizeObserver(() => {
    const plot = plotNow();
    const width = box.clientWidth;
    if (plot && width && width !== plot.width) plot.setSize({ width, height: plot.height });
  });
  observer.observe(box);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const redraw = () => plotNow()?.redraw();
  scheme.addEventListener('change', redraw);
  const forget = drawnAs(() => (plotNow() ? svg() : ''))(box);
  return () => {
    forget?.();
    observer.disconnect();
    scheme.removeEventListener('change', redraw);
    plotNow()?.destroy();
  };
}
