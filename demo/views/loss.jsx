import { count, inUnit, loss as lossText, unitName, unitOf } from '../format.js';
import { gatingOf, lossNote } from '../gates.js';
import { lossesAt } from '../history.js';
import { timeOf } from '../moments.js';
import { Field } from './field.jsx';
import { Figure } from './figure.jsx';
import { Plot } from './plot.jsx';

/**
 * @typedef {import('../format.js').Unit} Unit
 * @typedef {import('../history.js').LossHistory} LossHistory
 * @typedef {import('../run.js').ComparedRun} ComparedRun
 * @typedef {import('./plot-lines.js').Line} Line
 */

/**
 * The loss in training (raw thin, smoothed thick), on the held-out data, and of the runs that are compared.
 *
 * @param {{ run: import('../run.js').Run, state: import('../state.js').State, height?: number, folded?: boolean }} props height of the
 *   chart, pixels; folded: the caption is shown only when it is asked for
 */
export function LossView({ run, state, height = 260, folded = false }) {
  const unit = unitOf(state, run.task.per);
  const history = run.losses.value;
  const unitWords = unitName(unit, run.task.per);
  const { step, past } = timeOf(run);
  const none = () => {};
  return (
    <Figure
      title="Loss"
      name="loss"
      folded={folded}
      tools={unit !== 'squares' && <Field state={state} name="unit" onProblems={none} />}
      caption={captionOf(run, unit) + lossNote(gatingOf(state.schema, state.values.value), run.task.per)}
      table={() => <LossTable history={history} unit={unit} unitWords={unitWords} />}
      rows={() => rowsOf(run.losses.peek(), unitWords, unit)}
    >
      <Plot
        lines={linesOf(history, run.compared.value, unit)}
        log={Boolean(state.get('logSteps'))}
        range={halves}
        height={height}
        at={past ? step : undefined}
        label={summaryOf(history, unitWords, unit) + (past ? shownWords(history, step, unit) : '')}
      />
      <ComparedRuns runs={run.compared.value} unit={unit} />
      <div class="row row-logSteps">
        <Field state={state} name="logSteps" onProblems={none} />
      </div>
    </Figure>
  );
}

/** Dashes of the compared runs, the oldest first. @type {readonly (readonly number[])[]} */
const dashes = [[], [7, 3], [2, 2]];

/**
 * What the compared runs are: there is no room beside a line.
 *
 * @param {{ runs: readonly ComparedRun[], unit: Unit }} props
 */
function ComparedRuns({ runs, unit }) {
  if (!runs.length) return null;
  return (
    <ul class="compared-runs">
      {runs.map(({ name, label, steps, losses }, i) => (
        <li key={steps}>
          <svg viewBox="0 0 18 4" width="18" height="4" aria-hidden="true">
            <path d="M0 2h18" stroke-dasharray={dashes[i % dashes.length].join(' ')} />
          </svg>
          <span>
            <b>{name}</b>: {label}; {lossText(losses.at(-1), unit)} at step {count(steps.at(-1) ?? 0)}
          </span>
        </li>
      ))}
    </ul>
  );
}

/**
 * @param {LossHistory} history
 * @param {readonly ComparedRun[]} compared
 * @param {Unit} unit
 * @returns {Line[]}
 */
function linesOf({ steps, train, smooth, heldOut }, compared, unit) {
  const inUnits = (/** @type {readonly number[]} */ values) => values.map((nats) => inUnit(nats, unit));
  const faint = { colour: '--line-strong', text: '--muted' };
  const held = {
    steps: heldOut.map(({ step }) => step),
    values: inUnits(heldOut.map(({ loss }) => loss)),
  };
  return [
    ...compared.map(({ name, steps, losses }, i) => ({
      label: name,
      look: { ...faint, width: 1.5, dash: [...dashes[i % dashes.length]] },
      steps,
      values: inUnits(losses),
    })),
    { label: '', look: { ...faint, width: 0.75 }, steps, values: inUnits(train) },
    { label: 'training', look: { colour: '--ink', width: 2 }, steps, values: inUnits(smooth) },
    {
      label: 'held-out',
      look: { colour: '--ink', width: 1.5, dash: [2, 4], filled: true },
      ...held,
      marks: held.steps.map((step, i) => ({ step, value: held.values[i] })),
    },
  ];
}

/** Multiples of 0.5, so that the axis stays still while the loss falls. @type {(least: number, most: number) => [number, number]} */
const halves = (least, most) => [Math.max(0, Math.floor(least * 2 - 0.4) / 2), Math.ceil(most * 2 + 0.1) / 2];

/**
 * @param {import('../run.js').Run} run
 * @param {Unit} unit
 */
function captionOf({ task: { per, guess }, summary }, unit) {
  if (unit === 'squares')
    return 'Mean squared error of y, of which the points have variance 1: with 1, the model is no better than their mean.';
  const what =
    per === 'point'
      ? `Cross-entropy of the predicted class, in ${unitName(unit, per)}.`
      : `The ${unitName(unit, per)} needed to store the text with the model’s predictions.`;
  // Only the model knows how many symbols there are.
  const uniform = summary.value ? `; uniform predictions have ${lossText(guess(), unit)}` : '';
  return `${what} Lower is better${uniform}.`;
}

/**
 * @param {LossHistory} history
 * @param {string} unitWords
 * @param {Unit} unit
 */
function summaryOf({ steps, smooth, heldOut }, unitWords, unit) {
  if (!steps.length) return 'Loss: no training steps yet.';
  const held = heldOut.length ? `, held-out ${lossText(heldOut.at(-1)?.loss, unit)}` : '';
  return (
    `Loss in ${unitWords} over ${steps.at(-1)} steps: ` +
    `training from ${lossText(smooth[0], unit)} to ${lossText(smooth.at(-1), unit)}${held}.`
  );
}

/**
 * @param {LossHistory} history
 * @param {number} step that is shown
 * @param {Unit} unit
 */
function shownWords(history, step, unit) {
  const { train, heldOut } = lossesAt(history, step);
  return ` Marked: step ${step}, training ${lossText(train, unit)}, held-out ${lossText(heldOut?.loss, unit)}.`;
}

/** @param {{ history: LossHistory, unit: Unit, unitWords: string }} props */
function LossTable({ history, unit, unitWords }) {
  const { steps, smooth, heldOut } = history;
  const every = Math.ceil(heldOut.length / 24);
  const rows = heldOut.filter((_, i) => i % every === 0 || i === heldOut.length - 1);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">Training, {unitWords}</th>
          <th scope="col">Held-out, {unitWords}</th>
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

/**
 * All losses in the history.
 *
 * @param {LossHistory} history
 * @param {string} unitWords
 * @param {Unit} unit
 */
function rowsOf({ steps, train, smooth, heldOut }, unitWords, unit) {
  const held = new Map(heldOut.map(({ step, loss }) => [step, inUnit(loss, unit)]));
  const at = new Map(steps.map((step, i) => [step, i]));
  const all = [...new Set([...steps, ...held.keys()])].sort((a, b) => a - b);
  const ofStep = (/** @type {number[]} */ values, /** @type {number} */ step) => {
    const i = at.get(step);
    return i === undefined ? null : inUnit(values[i], unit);
  };
  const names = [
    'step',
    ...['training', 'training, smoothed', 'held-out'].map((name) => `${name}, ${unitWords}`),
  ];
  return [
    names,
    ...all.map((step) => [step, ofStep(train, step), ofStep(smooth, step), held.get(step) ?? null]),
  ];
}
