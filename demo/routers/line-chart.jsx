import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import { count } from '../format.js';
import { styleColour } from '../views/canvas.js';
import { spread } from './labels.js';
import { looks, markRadius } from './marks.js';

/**
 * @typedef {object} Line
 * @property {import('./settings.js').RouterName} router whose look it has, and whose name stands at its end
 * @property {readonly number[]} steps
 * @property {readonly (number | null)[]} values
 * @property {readonly { step: number, value: number }[]} [marks] single values beside the line
 *
 * @typedef {object} Drawn
 * @property {readonly Line[]} lines
 * @property {boolean} log whether early steps get more room
 * @property {[number, number]} [range] of the values; as they come where it is left out
 * @property {(value: number) => string} [format] of the numbers at the axis
 * @property {number} [lastStep] the end of the axis
 */

const labelSpace = 112;
const font = '12px system-ui, sans-serif';

/**
 * Lines over the steps, each with its name at its end.
 *
 * @param {Drawn & { height: number, label: string }} props label: what it shows, with figures, for those who do not see it
 */
export function LineChart({ height, label, ...drawn }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const chart = useRef(/** @type {{ plot: UPlot, key: string } | null} */ (null));
  const latest = useRef(drawn);
  const shown = useRef('');
  latest.current = drawn;

  useEffect(() => {
    if (!box.current) return;
    const { lines, log, range } = drawn;
    const key = JSON.stringify([log, range, height, lines.map(({ router }) => router)]);
    const news = newsOf(drawn);
    if (chart.current?.key === key) {
      // Most charts have nothing new in most frames.
      if (news !== shown.current) chart.current.plot.setData(dataOf(drawn));
    } else {
      chart.current?.plot.destroy();
      chart.current = { plot: createPlot(box.current, latest, height), key };
    }
    shown.current = news;
  });

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth) chart.current?.plot.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => chart.current?.plot.redraw();
    scheme.addEventListener('change', redraw);
    return () => {
      observer.disconnect();
      scheme.removeEventListener('change', redraw);
      chart.current?.plot.destroy();
      chart.current = null;
    };
  }, [height]);

  return <div class="line-chart" ref={box} role="img" aria-label={label} />;
}

/**
 * The same as long as nothing was added to the lines, and they are not others.
 *
 * @param {Drawn} drawn
 */
function newsOf({ lines, lastStep }) {
  const ends = lines.flatMap(({ steps, values, marks }) => [
    steps.length,
    steps.at(-1),
    values[0],
    values.at(-1),
    marks?.length,
    marks?.[0]?.value,
    marks?.at(-1)?.value,
  ]);
  return `${lastStep} ${ends.join(' ')}`;
}

/** @param {Drawn} drawn @returns {UPlot.AlignedData} */
function dataOf({ lines, log }) {
  // Nothing is built yet, or nothing routes.
  if (!lines.length) return [[]];
  const tables = lines.map(({ steps, values }) => {
    // A logarithmic axis has no place for step 0.
    const from = log ? steps.findIndex((step) => step > 0) : 0;
    return from < 0 ? [[], []] : [steps.slice(from), values.slice(from)];
  });
  return /** @type {UPlot.AlignedData} */ (UPlot.join(/** @type {any} */ (tables)));
}

/**
 * @param {HTMLElement} box
 * @param {{ current: Drawn }} latest
 * @param {number} height
 */
function createPlot(box, latest, height) {
  const { lines, log, range, format } = latest.current;
  const axis = {
    font,
    stroke: () => styleColour('--muted'),
    grid: { stroke: () => styleColour('--line'), width: 1 },
    ticks: { show: false },
  };
  return new UPlot(
    {
      width: box.clientWidth || 320,
      height,
      padding: [10, labelSpace, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, distr: log ? 3 : 1, range: (_, __, max) => xRange(latest.current, max) },
        y: { range: (_, min, max) => range ?? yRange(latest.current, min, max) },
      },
      axes: [
        {
          ...axis,
          size: 26,
          space: 56,
          values: (_, splits) =>
            splits.map((step) => (step !== null && Number.isInteger(step) ? count(step) : '')),
          grid: { show: false },
        },
        {
          ...axis,
          size: 40,
          space: 26,
          values: (_, splits) => splits.map((value) => format?.(value) ?? `${value}`),
        },
      ],
      series: [
        {},
        ...lines.map(({ router }) => {
          const { colour, width, dash } = looks[router];
          return {
            label: router,
            stroke: () => styleColour(colour),
            width,
            dash,
            spanGaps: true,
            points: { show: false },
          };
        }),
      ],
      hooks: {
        draw: [
          (plot) => {
            drawMarks(plot, latest.current);
            drawLabels(plot, latest.current.lines);
          },
        ],
      },
    },
    dataOf(latest.current),
    box,
  );
}

/**
 * @param {Drawn} drawn
 * @param {number | null} max
 * @returns {[number, number]}
 */
function xRange({ log, lastStep }, max) {
  return [log ? 1 : 0, Math.max(10, lastStep ?? max ?? 0)];
}

/**
 * @param {Drawn} drawn
 * @param {number | null} min
 * @param {number | null} max
 * @returns {[number, number]} with some air, single values included
 */
function yRange({ lines }, min, max) {
  const marks = lines.flatMap((line) => line.marks?.map(({ value }) => value) ?? []);
  const all = [...marks, min ?? Number.NaN, max ?? Number.NaN].filter(Number.isFinite);
  if (!all.length) return [0, 1];
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const air = Math.max((most - least) * 0.06, 1e-3);
  return [least - air, most + air];
}

/**
 * @param {UPlot} plot
 * @param {Drawn} drawn
 */
function drawMarks(plot, { lines, log }) {
  const { ctx } = plot;
  const ratio = UPlot.pxRatio;
  const radius = markRadius * ratio;
  ctx.save();
  // The lines may have left theirs behind.
  ctx.setLineDash([]);
  for (const { router, marks = [] } of lines) {
    const { colour, mark, filled } = looks[router];
    ctx.strokeStyle = styleColour(colour);
    ctx.fillStyle = styleColour(filled ? colour : '--ground');
    ctx.lineWidth = 1.25 * ratio;
    for (const { step, value } of marks) {
      if (log && step < 1) continue;
      const [x, y] = [plot.valToPos(step, 'x', true), plot.valToPos(value, 'y', true)];
      ctx.beginPath();
      if (mark === 'circle') ctx.arc(x, y, radius, 0, 2 * Math.PI);
      else ctx.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
      ctx.fill();
      ctx.stroke();
    }
  }
  ctx.restore();
}

/**
 * Each line's name beside its last value, with a piece of the line, moved apart where values meet.
 *
 * @param {UPlot} plot
 * @param {readonly Line[]} lines
 */
function drawLabels(plot, lines) {
  const ratio = UPlot.pxRatio;
  const labels = lines.flatMap(({ router }, i) => {
    const values = /** @type {(number | null | undefined)[]} */ (plot.data[i + 1]);
    const last = values.findLast((value) => value !== null && value !== undefined);
    if (last === undefined || last === null) return [];
    return [{ router, y: plot.valToPos(last, 'y', true) }];
  });
  labels.sort((a, b) => a.y - b.y);
  spread(labels, 14 * ratio, [plot.bbox.top, plot.bbox.top + plot.bbox.height]);
  const { ctx } = plot;
  const x = plot.bbox.left + plot.bbox.width + 5 * ratio;
  ctx.save();
  ctx.font = `${12 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  for (const { router, y } of labels) {
    const { colour, width, dash } = looks[router];
    ctx.strokeStyle = styleColour(colour);
    ctx.lineWidth = width * ratio;
    ctx.setLineDash(dash.map((piece) => piece * ratio));
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(x + 15 * ratio, y);
    ctx.stroke();
    ctx.fillStyle = styleColour('--ink');
    ctx.fillText(router, x + 19 * ratio, y);
  }
  ctx.restore();
}
