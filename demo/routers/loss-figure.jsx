import { count, inUnit, loss as lossText, unitName } from '../format.js';
import { gatingOf, lossNote } from '../gates.js';
import { Field } from '../views/field.jsx';
import { Figure } from '../views/figure.jsx';
import { Plot } from '../views/plot.jsx';
import { bandOf, bandWords, columnsOf, lastInWords, mapBand } from './bands.js';
import { groupsOf, seedCount } from './groups.js';
import { lookOf } from './marks.js';
import { StepTable, stepRows } from './step-table.jsx';

/**
 * The losses of all models in one chart.
 *
 * @param {import('./room.jsx').Shown} props
 */
export function LossFigure({ comparison, state }) {
  const unit = /** @type {import('../format.js').Unit} */ (state.get('unit'));
  const per = comparison.kind.value?.per ?? 'byte';
  const labelOf = (/** @type {string} */ router) => state.settingOf(router).label;
  const groups = groupsOf(comparison.trainees.value);
  const seeds = seedCount(groups);
  const curves = groups.map(({ router, trainees }) => {
    const histories = trainees.map(({ losses }) => losses.value);
    return {
      router,
      training: inUnits(
        histories.map(({ steps, smooth }) => ({ steps, values: smooth })),
        unit,
      ),
      heldOut: inUnits(
        histories.map(({ heldOut }) => seriesOf(heldOut)),
        unit,
      ),
    };
  });
  const lines = curves.map(({ router, training, heldOut }) => ({
    label: labelOf(router),
    look: lookOf(state.schema, router),
    ...training,
    marks: heldOut.steps.map((step, i) => ({ step, value: heldOut.values[i] })),
  }));
  const words = curves.map(
    ({ router, training, heldOut }) =>
      `${labelOf(router)}: training ${lastInWords(training, two)}, held-out ${lastInWords(heldOut, two)}`,
  );
  const columns = curves.flatMap(({ router, training, heldOut }) => [
    ...columnsOf(`${labelOf(router)}, training`, training),
    ...columnsOf(`${labelOf(router)}, held-out`, heldOut),
  ]);
  const none = () => {};
  const guess = comparison.kind.value?.guess;
  return (
    <Figure
      title="Loss"
      name="routers-loss"
      tools={<Field state={state} name="unit" onProblems={none} />}
      caption={
        `In ${unitName(unit, per)}. Lower is better${guess ? `; uniform predictions have ${lossText(guess, unit)}` : ''}. ` +
        `Lines: training loss, smoothed. Marks: held-out loss.${bandWords(seeds)}` +
        lossNote(gatingOf(state.schema, state.values.value), per)
      }
      table={() => <StepTable columns={columns} format={two} />}
      rows={() => stepRows(columns)}
    >
      <Plot
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

/** @param {number | undefined} value */
const two = (value) => value?.toFixed(2) ?? '–';

/** @param {readonly { step: number, loss: number }[]} losses */
const seriesOf = (losses) => ({
  steps: losses.map(({ step }) => step),
  values: losses.map(({ loss }) => loss),
});

/**
 * @param {readonly import('./bands.js').Series[]} runs in nats
 * @param {import('../format.js').Unit} unit
 */
const inUnits = (runs, unit) => mapBand(bandOf(runs), (nats) => inUnit(nats, unit));
