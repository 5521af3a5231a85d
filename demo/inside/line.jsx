import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import { fixed } from '../format.js';
import { styleColour } from '../views/canvas.js';
import { chartSvg, createAxes, frameOf } from '../views/chart.js';
import { tendChart } from '../views/tend.js';

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
  const chart = useRef(/** @type {ReturnType<typeof createPlot> | null} */ (null));
  const latest = useRef(drawn);
  latest.current = drawn;

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const drawnNow = createPlot(element, latest);
    chart.current = drawnNow;
    return tendChart(
      element,
      () => drawnNow.plot,
      () => plotSvg(drawnNow, latest.current),
    );
  }, []);

  useEffect(() => chart.current?.plot.setData(dataOf(drawn)), [drawn.steps, drawn.values, drawn.now]);

  return <div class="line" ref={box} role="img" aria-label={label} />;
}

/** @param {Drawn} drawn @returns {UPlot.AlignedData} */
const dataOf = ({ steps, values }) => [[...steps], [...values]];

/**
 * @param {HTMLElement} box
 * @param {{ current: Drawn }} latest
 */
function createPlot(box, latest) {
  const { axes, ticks } = createAxes({
    x: { size: 26, space: 56 },
    y: { size: 44, space: 30 },
    format: fixed,
  });
  const plot = new UPlot(
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
      axes,
      series: [{}, { stroke: () => styleColour('--ink'), width: 2, points: { show: false } }],
      hooks: { draw: [(plot) => drawNow(plot, latest.current.now)] },
    },
    dataOf(latest.current),
    box,
  );
  return { plot, ticks };
}

/**
 * The same as SVG.
 *
 * @param {ReturnType<typeof createPlot>} chart
 * @param {Drawn} drawn
 */
function plotSvg({ plot, ticks }, { steps, values, now }) {
  const { x, y } = frameOf(plot);
  const ink = styleColour('--ink');
  const points = steps.map((step, i) => `${x(step)},${y(values[i])}`).join(' ');
  const at = steps.findLastIndex((step) => step <= now);
  const mark = at < 0 ? '' : `<circle cx="${x(steps[at])}" cy="${y(values[at])}" r="4" fill="${ink}"/>`;
  const line = `<polyline points="${points}" fill="none" stroke="${ink}" stroke-width="2"/>`;
  return chartSvg({ plot, ticks }, [line, mark]);
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
