import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import { count, inUnit, loss as lossText, unitName } from '../format.js';
import { styleColour } from './canvas.js';
import { Field } from './field.jsx';
import { Figure } from './figure.jsx';

/**
 * @typedef {import('../format.js').Unit} Unit
 * @typedef {import('../history.js').LossHistory} LossHistory
 * @typedef {import('../run.js').EarlierRun} EarlierRun
 *
 * @typedef {object} Line what is drawn and labelled
 * @property {string} label
 * @property {string} colour custom property
 * @property {number} width
 * @property {number[]} [dash]
 * @property {boolean} [points]
 * @property {boolean} [labelled]
 */

const height = 260;
const labelSpace = 84;

/**
 * How well the model predicts: in training (raw thin, smoothed thick) and on the held-out text, and how earlier runs
 * went.
 *
 * @param {{ run: import('../run.js').Run, state: import('../state.js').State }} props
 */
export function LossView({ run, state }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const chart = useRef(/** @type {{ plot: UPlot, key: string } | null} */ (null));
  const unit = /** @type {Unit} */ (state.get('unit'));
  const history = run.losses.value;
  const none = () => {};

  useSignalEffect(() => {
    const drawn = {
      history: run.losses.value,
      earlier: run.earlier.value,
      unit: /** @type {Unit} */ (state.get('unit')),
      log: Boolean(state.get('logSteps')),
    };
    if (!box.current) return;
    const lines = linesOf(drawn.earlier);
    const key = JSON.stringify([drawn.log, drawn.unit, lines]);
    const data = dataOf(drawn);
    if (chart.current?.key !== key) {
      chart.current?.plot.destroy();
      chart.current = { plot: createPlot(box.current, lines, drawn, data), key };
    } else {
      chart.current.plot.setData(data);
    }
  });

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() =>
      chart.current?.plot.setSize({ width: element.clientWidth, height }),
    );
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
  }, []);

  return (
    <Figure
      title="Loss"
      name="loss"
      tools={<Field state={state} name="unit" onProblems={none} />}
      caption={captionOf(run.task, unit)}
      table={() => <LossTable history={history} unit={unit} />}
    >
      <div
        class="loss"
        ref={box}
        role="img"
        aria-label={summaryOf(history, unitName(unit, run.task.per), unit)}
      />
      <div class="row">
        <Field state={state} name="logSteps" onProblems={none} />
        {run.earlier.value.length > 0 && (
          <button type="button" class="quiet" onClick={run.forgetEarlier}>
            Forget earlier runs
          </button>
        )}
      </div>
    </Figure>
  );
}

/**
 * @param {{ per: import('../run.js').Task<any>['per'], guess: () => number }} task
 * @param {Unit} unit
 */
function captionOf({ per, guess }, unit) {
  const start = lossText(guess(), unit);
  const ends = `${start} for one that knows nothing, fewer the better it predicts.`;
  return per === 'point'
    ? `How many ${unitName(unit, per)} the model still needs to be told of the class: ${ends}`
    : `How many ${unitName(unit, per)} the model would need to store the text: ${ends}`;
}

/**
 * @param {LossHistory} history
 * @param {string} unitWords
 * @param {Unit} unit
 */
function summaryOf({ steps, smooth, heldOut }, unitWords, unit) {
  if (!steps.length) return 'Loss: no steps yet.';
  const held = heldOut.length ? `, held-out ${lossText(heldOut.at(-1)?.loss, unit)}` : '';
  return (
    `Loss in ${unitWords} over ${steps.at(-1)} steps: ` +
    `training from ${lossText(smooth[0], unit)} to ${lossText(smooth.at(-1), unit)}${held}.`
  );
}

/**
 * @param {EarlierRun[]} earlier
 * @returns {Line[]}
 */
function linesOf(earlier) {
  return [
    ...earlier.map(({ label }) => ({
      label,
      colour: '--line-strong',
      width: 1.5,
      labelled: true,
    })),
    { label: 'each step', colour: '--line-strong', width: 0.75 },
    { label: 'training', colour: '--ink', width: 2, labelled: true },
    { label: 'held-out', colour: '--ink', width: 1.5, dash: [2, 4], points: true, labelled: true },
  ];
}

/**
 * @param {{ history: LossHistory, earlier: EarlierRun[], unit: Unit, log: boolean }} drawn
 * @returns {UPlot.AlignedData}
 */
function dataOf({ history, earlier, unit, log }) {
  const inUnits = (/** @type {number[]} */ values) => values.map((nats) => inUnit(nats, unit));
  /** @type {[number[], ...number[][]][]} */
  const tables = earlier.map(({ steps, losses }) => [steps, inUnits(losses)]);
  tables.push([history.steps, inUnits(history.train), inUnits(history.smooth)]);
  // A logarithmic axis has no place for step 0.
  const heldOut = history.heldOut.filter(({ step }) => !log || step > 0);
  tables.push([heldOut.map(({ step }) => step), inUnits(heldOut.map(({ loss }) => loss))]);
  return /** @type {UPlot.AlignedData} */ (UPlot.join(tables));
}

/**
 * @param {HTMLElement} box
 * @param {Line[]} lines
 * @param {{ log: boolean }} options
 * @param {UPlot.AlignedData} data
 */
function createPlot(box, lines, { log }, data) {
  const font = '12px system-ui, sans-serif';
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
      padding: [12, labelSpace, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, distr: log ? 3 : 1, range: (_, min, max) => xRange(min, max, log) },
        y: { range: (_, min, max) => yRange(min, max) },
      },
      axes: [
        {
          ...axis,
          size: 30,
          space: 56,
          values: (_, splits) =>
            splits.map((step) => (step !== null && Number.isInteger(step) ? count(step) : '')),
          grid: { show: false },
        },
        { ...axis, size: 32, space: 36 },
      ],
      series: [
        {},
        ...lines.map(({ label, colour, width, dash, points }) => ({
          label,
          stroke: () => styleColour(colour),
          width,
          dash,
          spanGaps: true,
          points: { show: Boolean(points), size: 5, fill: () => styleColour(colour) },
        })),
      ],
      hooks: { draw: [(plot) => drawLabels(plot, lines)] },
    },
    data,
    box,
  );
}

/**
 * @param {number | null} min
 * @param {number | null} max
 * @param {boolean} log
 * @returns {[number, number]}
 */
function xRange(min, max, log) {
  return log ? [1, Math.max(10, max ?? 0)] : [0, Math.max(10, max ?? min ?? 0)];
}

/**
 * @param {number | null} min
 * @param {number | null} max
 * @returns {[number, number]}
 */
function yRange(min, max) {
  if (min === null || max === null) return [0, 8];
  return [Math.max(0, Math.floor(min * 2 - 0.4) / 2), Math.ceil(max * 2 + 0.1) / 2];
}

/**
 * Each line's name beside its last value, moved apart where values meet.
 *
 * @param {UPlot} plot
 * @param {Line[]} lines
 */
function drawLabels(plot, lines) {
  const ratio = UPlot.pxRatio;
  const gap = 14 * ratio;
  const labels = lines.flatMap(({ label, colour, labelled }, i) => {
    const values = plot.data[i + 1];
    let at = values.length - 1;
    while (at >= 0 && (values[at] === null || values[at] === undefined)) at--;
    if (!labelled || at < 0) return [];
    return [
      {
        text: label,
        colour: colour === '--ink' ? '--ink' : '--muted',
        y: plot.valToPos(Number(values[at]), 'y', true),
      },
    ];
  });
  labels.sort((a, b) => a.y - b.y);
  for (let i = 1; i < labels.length; i++) {
    if (labels[i].y - labels[i - 1].y < gap) labels[i].y = labels[i - 1].y + gap;
  }
  const { ctx } = plot;
  const x = plot.bbox.left + plot.bbox.width + 6 * ratio;
  ctx.save();
  ctx.font = `${12 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  for (const { text, colour, y } of labels) {
    ctx.fillStyle = styleColour(colour);
    ctx.fillText(fitted(ctx, text, (labelSpace - 6) * ratio), x, y);
  }
  ctx.restore();
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} text
 * @param {number} width
 */
function fitted(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let end = text.length - 1;
  while (end > 1 && ctx.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}

/** @param {{ history: LossHistory, unit: Unit }} props */
function LossTable({ history, unit }) {
  const { steps, smooth, heldOut } = history;
  const every = Math.ceil(heldOut.length / 24);
  const rows = heldOut.filter((_, i) => i % every === 0 || i === heldOut.length - 1);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">Training, {unitName(unit)}</th>
          <th scope="col">Held-out, {unitName(unit)}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ step, loss }) => {
          const at = steps.findLastIndex((s) => s <= step);
          return (
            <tr key={step}>
              <th scope="row">{count(step)}</th>
              <td>{lossText(smooth[at], unit)}</td>
              <td>{lossText(loss, unit)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
