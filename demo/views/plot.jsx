import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { drawnAs } from '../export/vector.js';
import { useDrawing } from './drawing.js';
import { isEmpty } from './plot-lines.js';

/**
 * @typedef {import('./plot-lines.js').PlotData} PlotData
 * @typedef {typeof import('./plot-draw.js')} PlotDrawing
 * @typedef {ReturnType<PlotDrawing['createPlot']>} LoadedPlot
 */

/**
 * A line chart over the steps, with a label at the end of each line.
 *
 * @param {PlotData & { height: number, label: string }} props height: pixels; label: a summary with numbers, for
 *   screen readers
 */
export function Plot({ height, label, ...drawn }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const chart = useRef(/** @type {{ drawn: LoadedPlot, key: string, news: string } | null} */ (null));
  const empty = isEmpty(drawn.lines);
  const drawing = useSignal(/** @type {PlotDrawing | null} */ (null));
  const failure = useSignal('');
  const key = keyOf(drawn, height);
  const news = newsOf(drawn);
  const latest = useSignal({ drawn, key, news, empty });

  useEffect(() => {
    if (empty) return;
    loadDrawing().then(
      (loaded) => {
        drawing.value = loaded;
      },
      (error) => {
        failure.value = error instanceof Error ? error.message : String(error);
      },
    );
  }, [empty]);

  // In most frames, most charts have not changed.
  useEffect(() => {
    latest.value = { drawn, key, news, empty };
  }, [key, news, empty]);

  useDrawing(() => {
    const now = latest.value;
    if (!box.current || !drawing.value) return;
    if (now.empty || chart.current?.key !== now.key) {
      chart.current?.drawn.plot.destroy();
      chart.current = null;
    }
    if (now.empty || chart.current?.news === now.news) return;
    chart.current?.drawn.show(now.drawn);
    const plot = chart.current?.drawn ?? drawing.value.createPlot(box.current, now.drawn, height);
    chart.current = { drawn: plot, key: now.key, news: now.news };
  });

  useEffect(() => {
    const end = attachChart(/** @type {HTMLDivElement} */ (box.current), () => chart.current?.drawn);
    return () => {
      end();
      chart.current = null;
    };
  }, []);

  return (
    <div class="before">
      <div class="line-chart" ref={box} role="img" aria-label={label} style={{ minHeight: `${height}px` }} />
      {empty && <p aria-hidden="true">The curves start with the first step.</p>}
      {failure.value && <p role="alert">The chart could not be loaded: {failure.value}</p>}
    </div>
  );
}

/** Loads the drawing code with the first values: before, there is nothing to draw. */
function loadDrawing() {
  return withValidLanguage(() => import('./plot-draw.js'));
}

/**
 * uPlot makes a number format of the browser's language while it loads, and the charts do not use it. If the language is
 * no valid one, its import would throw, for good: Chromium and WebKit report "C" if LANG is C or C.UTF-8.
 *
 * @template T
 * @param {() => Promise<T>} load during which the language is valid; afterwards it is as before
 */
async function withValidLanguage(load) {
  if (isLanguage(navigator.language)) return load();
  Object.defineProperty(navigator, 'language', { value: 'en', configurable: true });
  try {
    return await load();
  } finally {
    Reflect.deleteProperty(navigator, 'language');
  }
}

/** @param {string} tag */
function isLanguage(tag) {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

/**
 * Keeps a chart as wide as its box and in the colours of the page, and provides its SVG for saving.
 *
 * @param {Element} box
 * @param {() => LoadedPlot | undefined} chartNow the current chart in the box
 * @returns {() => void} detaches and destroys it
 */
function attachChart(box, chartNow) {
  const observer = new ResizeObserver(() => {
    const plot = chartNow()?.plot;
    const width = box.clientWidth;
    if (plot && width && width !== plot.width) plot.setSize({ width, height: plot.height });
  });
  observer.observe(box);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const redraw = () => chartNow()?.plot.redraw();
  scheme.addEventListener('change', redraw);
  const forget = drawnAs(() => chartNow()?.svg() ?? '')(box);
  return () => {
    forget?.();
    observer.disconnect();
    scheme.removeEventListener('change', redraw);
    chartNow()?.plot.destroy();
  };
}

/**
 * A chart is created anew when this key changes.
 *
 * @param {PlotData} drawn
 * @param {number} height
 */
const keyOf = ({ lines, log, range }, height) =>
  JSON.stringify([log, range, height, lines.map(({ label, look }) => [label, look])]);

/**
 * A key of the values: it stays the same until values are added or the lines are replaced.
 *
 * @param {PlotData} drawn
 */
function newsOf({ lines, lastStep, at }) {
  const ends = lines.flatMap(({ steps, values, low, high, marks }) => [
    steps.length,
    steps.at(-1),
    values[0],
    values.at(-1),
    low?.at(-1),
    high?.at(-1),
    marks?.length,
    marks?.[0]?.value,
    marks?.at(-1)?.step,
    marks?.at(-1)?.value,
  ]);
  return `${lastStep} ${at} ${ends.join(' ')}`;
}
