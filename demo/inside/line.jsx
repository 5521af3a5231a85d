import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import { count, fixed } from '../format.js';
import { styleColour } from '../views/canvas.js';

/**
 * @typedef {object} Drawn
 * @property {readonly number[]} steps
 * @property {readonly number[]} values
 * @property {[number, number]} range of the values, at least
 * @property {number} now the step that is shown
 */

const height = 120;

/**
 * One line over the steps.
 *
 * @param {Drawn & { label: string }} props label: what it shows, with figures, for those who do not see it
 */
export function Line({ label, ...drawn }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const chart = useRef(/** @type {UPlot | null} */ (null));
  const latest = useRef(drawn);
  latest.current = drawn;

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const plot = createPlot(element, latest);
    chart.current = plot;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth) plot.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => plot.redraw();
    scheme.addEventListener('change', redraw);
    return () => {
      observer.disconnect();
      scheme.removeEventListener('change', redraw);
      plot.destroy();
    };
  }, []);

  useEffect(() => chart.current?.setData(dataOf(drawn)), [drawn.steps, drawn.values, drawn.now]);

  return <div class="line" ref={box} role="img" aria-label={label} />;
}

/** @param {Drawn} drawn @returns {UPlot.AlignedData} */
const dataOf = ({ steps, values }) => [[...steps], [...values]];

/**
 * @param {HTMLElement} box
 * @param {{ current: Drawn }} latest
 */
function createPlot(box, latest) {
  const axis = {
    font: '12px system-ui, sans-serif',
    stroke: () => styleColour('--muted'),
    grid: { stroke: () => styleColour('--line'), width: 1 },
    ticks: { show: false },
  };
  return new UPlot(
    {
      width: box.clientWidth || 320,
      height,
      padding: [8, 10, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: (_, __, max) => [0, Math.max(10, max ?? 0)] },
        y: { range: (_, min, max) => holding(latest.current.range, min, max) },
      },
      axes: [
        {
          ...axis,
          size: 26,
          space: 56,
          values: (_, splits) => splits.map((step) => (Number.isInteger(step) ? count(step) : '')),
          grid: { show: false },
        },
        { ...axis, size: 44, space: 30, values: (_, splits) => splits.map((value) => fixed(value)) },
      ],
      series: [{}, { stroke: () => styleColour('--ink'), width: 2, points: { show: false } }],
      hooks: { draw: [(plot) => drawNow(plot, latest.current.now)] },
    },
    dataOf(latest.current),
    box,
  );
}

/**
 * @param {[number, number]} least
 * @param {number | null} min
 * @param {number | null} max
 * @returns {[number, number]}
 */
const holding = ([low, high], min, max) => [Math.min(low, min ?? low), Math.max(high, max ?? high)];

/**
 * Marks the step that is shown.
 *
 * @param {UPlot} plot
 * @param {number} step
 */
function drawNow(plot, step) {
  const [steps, values] = plot.data;
  const at = steps.findLastIndex((one) => one <= step);
  if (at < 0) return;
  const { ctx } = plot;
  ctx.beginPath();
  const [x, y] = [plot.valToPos(steps[at], 'x', true), plot.valToPos(Number(values[at]), 'y', true)];
  ctx.arc(x, y, 4 * UPlot.pxRatio, 0, 2 * Math.PI);
  ctx.fillStyle = styleColour('--ink');
  ctx.fill();
}
