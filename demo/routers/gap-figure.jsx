import { inUnit, unitName } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { Plot } from '../views/plot.jsx';
import { bandOf, bandWords, columnsOf, gapsOf, lastInWords, mapBand } from './bands.js';
import { groupsOf, seedsOf } from './groups.js';
import { lookOf } from './marks.js';
import { StepTable, stepRows } from './step-table.jsx';

/** With its sign. @param {number | undefined} value */
const signed = (value) =>
  value === undefined ? '–' : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;

/**
 * How far the models are apart, which the chart of their losses is too coarse to show.
 *
 * @param {import('./room.jsx').Shown} props
 */
export function GapFigure({ comparison, state }) {
  const unit = /** @type {import('../format.js').Unit} */ (state.get('unit'));
  const per = comparison.kind.value?.per ?? 'byte';
  const groups = groupsOf(comparison.trainees.value);
  const gaps = seedsOf(groups).map((trainees) =>
    gapsOf(trainees.map(({ router, losses }) => ({ router, heldOut: losses.value.heldOut }))),
  );
  const bands = (gaps[0] ?? []).map(({ router }, i) => ({
    router,
    ...mapBand(bandOf(gaps.map((seed) => seed[i])), (nats) => inUnit(nats, unit)),
  }));
  const lines = bands.map(({ router, ...band }) => ({
    label: router,
    look: lookOf(state.schema, router),
    ...band,
    marks: band.steps.map((step, i) => ({ step, value: band.values[i] })),
  }));
  const columns = bands.flatMap(({ router, ...band }) => columnsOf(router, band));
  const words = bands.map(({ router, ...band }) => `${router} ${lastInWords(band, signed)}`).join(', ');
  return (
    <Figure
      title="Held-out loss, compared"
      name="routers-gap"
      caption={`Above or below the mean of the models, ${unitName(unit, per)}, from step 50 on. Lower is better.${bandWords(gaps.length)}`}
      table={() => <StepTable columns={columns} format={signed} />}
      rows={() => stepRows(columns)}
    >
      <Plot
        lines={lines}
        log={Boolean(state.get('logSteps'))}
        height={170}
        format={(value) => `${value > 0 ? '+' : ''}${Number(value.toFixed(3))}`.replace('-', '−')}
        label={`Held-out loss above or below the mean of the models, ${unitName(unit, per)}: ${words || 'no models yet'}.`}
      />
    </Figure>
  );
}
