import { inUnit, unitName } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { Plot } from '../views/plot.jsx';
import { bandOf, bandWords, columnsOf, gapsOf, lastInWords, mapBand } from './bands.js';
import { groupsOf, seedsOf } from './groups.js';
import { lookOf } from './marks.js';
import { StepTable, stepRows } from './step-table.jsx';

/** With a sign. @param {number | undefined} value */
const signed = (value) =>
  value === undefined ? '–' : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;

/**
 * The differences between the models, for which the chart of their losses is too coarse.
 *
 * @param {import('./room.jsx').Shown} props
 */
export function GapFigure({ comparison, state }) {
  const unit = /** @type {import('../format.js').Unit} */ (state.get('unit'));
  const per = comparison.kind.value?.per ?? 'byte';
  const labelOf = (/** @type {string} */ router) => state.settingOf(router).label;
  const groups = groupsOf(comparison.trainees.value);
  const gaps = seedsOf(groups).map((trainees) =>
    gapsOf(trainees.map(({ router, losses }) => ({ router, heldOut: losses.value.heldOut }))),
  );
  const bands = (gaps[0] ?? []).map(({ router }, i) => ({
    router,
    ...mapBand(bandOf(gaps.map((seed) => seed[i])), (nats) => inUnit(nats, unit)),
  }));
  const lines = bands.map(({ router, ...band }) => ({
    label: labelOf(router),
    look: lookOf(state.schema, router),
    ...band,
    marks: band.steps.map((step, i) => ({ step, value: band.values[i] })),
  }));
  const columns = bands.flatMap(({ router, ...band }) => columnsOf(labelOf(router), band));
  const words = bands
    .map(({ router, ...band }) => `${labelOf(router)} ${lastInWords(band, signed)}`)
    .join(', ');
  return (
    <Figure
      title="Held-out loss relative to the mean"
      name="routers-gap"
      caption={`Difference from the mean of all models, in ${unitName(unit, per)}, from step 50 on. Lower is better.${bandWords(gaps.length)}`}
      table={() => <StepTable columns={columns} format={signed} />}
      rows={() => stepRows(columns)}
    >
      <Plot
        lines={lines}
        log={Boolean(state.get('logSteps'))}
        height={170}
        format={(value) => `${value > 0 ? '+' : ''}${Number(value.toFixed(3))}`.replace('-', '−')}
        label={`Held-out loss relative to the mean of all models, ${unitName(unit, per)}: ${words || 'no models yet'}.`}
      />
    </Figure>
  );
}
