import { count, inUnit, loss as lossText, unitName } from '../format.js';
import { Field } from '../views/field.jsx';
import { Figure } from '../views/figure.jsx';
import { LineChart } from './line-chart.jsx';
import { StepTable, stepRows } from './step-table.jsx';

/**
 * How well all models predict, in one chart.
 *
 * @param {import('./room.jsx').Shown} props
 */
export function LossFigure({ comparison, state }) {
  const unit = /** @type {import('../format.js').Unit} */ (state.get('unit'));
  const per = comparison.kind.value?.per ?? 'byte';
  const runs = comparison.lanes.value.map((lane) => ({ lane, history: lane.losses.value }));
  const lines = runs.map(({ lane, history }) => ({
    router: lane.router,
    steps: history.steps,
    values: history.smooth.map((nats) => inUnit(nats, unit)),
    marks: history.heldOut.map(({ step, loss }) => ({ step, value: inUnit(loss, unit) })),
  }));
  const words = runs.map(
    ({ lane, history }) =>
      `${lane.router}: training ${lossText(history.smooth.at(-1), unit)}, held-out ${lossText(history.heldOut.at(-1)?.loss, unit)}`,
  );
  const columns = runs.flatMap(({ lane, history }) => [
    { title: `${lane.router}, training`, steps: history.steps, values: history.smooth },
    {
      title: `${lane.router}, held-out`,
      steps: history.heldOut.map(({ step }) => step),
      values: history.heldOut.map(({ loss }) => loss),
    },
  ]);
  const none = () => {};
  const guess = comparison.kind.value?.guess ?? 0;
  return (
    <Figure
      title="Loss"
      name="routers-loss"
      tools={<Field state={state} name="unit" onProblems={none} />}
      caption={
        `In ${unitName(unit, per)}; lower is better, and a model that knows nothing has ${lossText(guess, unit)}. ` +
        'Lines: what is learned from, smoothed. Marks: what is held out and never learned.'
      }
      table={() => <StepTable columns={columns} format={(nats) => lossText(nats, unit)} />}
      rows={() => stepRows(inUnits(columns, unit))}
    >
      <LineChart
        lines={lines}
        log={Boolean(state.get('logSteps'))}
        lastStep={comparison.step.value}
        height={300}
        label={`Loss in ${unitName(unit, per)} at step ${count(comparison.step.value)}. ${words.join('; ')}.`}
      />
      <Field state={state} name="logSteps" onProblems={none} />
    </Figure>
  );
}

/**
 * @param {readonly import('./step-table.jsx').Column[]} columns in nats
 * @param {import('../format.js').Unit} unit
 */
function inUnits(columns, unit) {
  return columns.map(({ title, steps, values }) => ({
    title: `${title}, ${unit}`,
    steps,
    values: values.map((nats) => inUnit(nats, unit)),
  }));
}
