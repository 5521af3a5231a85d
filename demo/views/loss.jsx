import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { count, inUnit, loss as lossText, unitName } from '../format.js';
import { BeforeFirstStep } from './before.jsx';
import { useDrawing } from './drawing.js';
import { Field } from './field.jsx';
import { Figure } from './figure.jsx';
import { tendChart } from './tend.js';

/**
 * @typedef {import('../format.js').Unit} Unit
 * @typedef {import('../history.js').LossHistory} LossHistory
 * @typedef {typeof import('./loss-plot.js')} Plotter
 */

/**
 * How well the model predicts: in training (raw thin, smoothed thick) and on the held-out text, and how earlier runs
 * went.
 *
 * @param {{ run: import('../run.js').Run, state: import('../state.js').State }} props
 */
export function LossView({ run, state }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const chart = useRef(/** @type {{ drawn: import('./loss-plot.js').Plot, key: string } | null} */ (null));
  const unit = /** @type {Unit} */ (state.get('unit'));
  const history = run.losses.value;
  const none = () => {};
  // What draws the chart is loaded with the first losses: before them there is nothing to draw.
  const plotter = useSignal(/** @type {Plotter | null} */ (null));
  const wanted = history.steps.length > 0 || run.earlier.value.length > 0;
  useEffect(() => {
    if (!wanted) return;
    import('./loss-plot.js').then((loaded) => {
      plotter.value = loaded;
    }, run.report);
  }, [wanted]);

  useDrawing(() => {
    const plot = plotter.value;
    const drawn = {
      history: run.losses.value,
      earlier: run.earlier.value,
      unit: /** @type {Unit} */ (state.get('unit')),
      log: Boolean(state.get('logSteps')),
    };
    if (!box.current || !plot) return;
    const lines = plot.linesOf(drawn.earlier);
    const key = JSON.stringify([drawn.log, drawn.unit, lines]);
    const data = plot.dataOf(drawn);
    if (chart.current?.key !== key) {
      chart.current?.drawn.plot.destroy();
      chart.current = { drawn: plot.createPlot(box.current, lines, drawn, data), key };
    } else {
      chart.current.drawn.plot.setData(data);
    }
  });

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const end = tendChart(
      element,
      () => chart.current?.drawn.plot,
      () => (chart.current && plotter.peek()?.plotSvg(chart.current.drawn)) ?? '',
    );
    return () => {
      end();
      chart.current = null;
    };
  }, []);

  return (
    <Figure
      title="Loss"
      name="loss"
      tools={<Field state={state} name="unit" onProblems={none} />}
      caption={captionOf(run.task, unit)}
      table={() => <LossTable history={history} unit={unit} unitWords={unitName(unit, run.task.per)} />}
      rows={() => rowsOf(run.losses.peek(), unitName(unit, run.task.per), unit)}
    >
      <BeforeFirstStep empty={!wanted}>
        <div
          class="loss"
          ref={box}
          role="img"
          aria-label={summaryOf(history, unitName(unit, run.task.per), unit)}
        />
      </BeforeFirstStep>
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
 * Every loss that is kept.
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
