import { useEffect, useRef } from 'preact/hooks';
import { BeforeFirstStep } from '../views/before.jsx';
import { tendChart } from '../views/tend.js';
import { createPlot, dataOf } from './line-plot.js';
import { plotSvg } from './line-svg.js';

/** @typedef {import('./line-plot.js').Drawn} Drawn */

/**
 * Lines over the steps, each with its name at its end.
 *
 * @param {Drawn & { height: number, label: string }} props label: what it shows, with figures, for those who do not see it
 */
export function LineChart({ height, label, ...drawn }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const chart = useRef(/** @type {{ drawn: import('./line-plot.js').Plot, key: string } | null} */ (null));
  const latest = useRef(drawn);
  const shown = useRef('');
  latest.current = drawn;
  const empty = drawn.lines.every(({ values, marks }) => !values.length && !marks?.length);

  useEffect(() => {
    if (!box.current) return;
    if (empty) {
      chart.current?.drawn.plot.destroy();
      chart.current = null;
      return;
    }
    const { lines, log, range } = drawn;
    const key = JSON.stringify([log, range, height, lines.map(({ router }) => router)]);
    const news = newsOf(drawn);
    if (chart.current?.key === key) {
      // Most charts have nothing new in most frames.
      if (news !== shown.current) chart.current.drawn.plot.setData(dataOf(drawn));
    } else {
      chart.current?.drawn.plot.destroy();
      chart.current = { drawn: createPlot(box.current, latest, height), key };
    }
    shown.current = news;
  });

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const end = tendChart(
      element,
      () => chart.current?.drawn.plot,
      () => (chart.current ? plotSvg(chart.current.drawn, latest.current) : ''),
    );
    return () => {
      end();
      chart.current = null;
    };
  }, []);

  return (
    <BeforeFirstStep empty={empty}>
      <div class="line-chart" ref={box} role="img" aria-label={label} style={{ minHeight: `${height}px` }} />
    </BeforeFirstStep>
  );
}

/**
 * The same as long as nothing was added to the lines, and they are not others.
 *
 * @param {Drawn} drawn
 */
function newsOf({ lines, lastStep }) {
  const ends = lines.flatMap(({ steps, values, low, high, marks }) => [
    steps.length,
    steps.at(-1),
    values[0],
    values.at(-1),
    low?.at(-1),
    high?.at(-1),
    marks?.length,
    marks?.[0]?.value,
    marks?.at(-1)?.value,
  ]);
  return `${lastStep} ${ends.join(' ')}`;
}
