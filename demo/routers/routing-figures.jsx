import { count, fixed } from '../format.js';
import { Field } from '../views/field.jsx';
import { Figure } from '../views/figure.jsx';
import { LoadHistoryView } from '../views/load-history.jsx';
import { Plot } from '../views/plot.jsx';
import { bandOf, bandWords, columnsOf, lastInWords } from './bands.js';
import { groupsOf, seedCount } from './groups.js';
import { MapFigure } from './map-figure.jsx';
import { lookOf } from './marks.js';
import { measured, seriesOf } from './measured.js';
import { routerOf } from './settings.js';
import { StepTable, stepRows } from './step-table.jsx';

const two = (/** @type {number | undefined} */ value) => (value === undefined ? '–' : fixed(value));

/**
 * The expert load of each model, and a small chart for each routing metric.
 *
 * @param {import('./room.jsx').Shown} props
 */
export function RoutingFigures({ comparison, state }) {
  const layer = Number(state.get('layer'));
  const size = { experts: Number(state.get('experts')), topK: Number(state.get('topK')) };
  const groups = groupsOf(comparison.trainees.value);
  const seeds = seedCount(groups);
  const routed = groups.filter(({ router }) => routerOf(state.schema, router).traits.includes('routes'));
  const shown = routed.map(({ trainees }) => trainees[0]);
  return (
    <section class="routing" aria-labelledby="title-routing">
      <div class="figure-head">
        <h2 id="title-routing">Routing (layer {layer})</h2>
        <Field state={state} name="layer" onProblems={() => {}} />
      </div>
      <p class="caption">
        Expert load over the steps: the height of a band is the load of its expert. Letters are only labels: A
        in two models is unrelated. A dense model has no experts.
        {seeds > 1 && ` Shown: the first of ${seeds} seeds.`}
      </p>
      <div class="small-figures">
        {shown.map((trainee) => (
          <LoadHistoryView
            key={trainee.router}
            run={trainee}
            state={state}
            of={trainee.router}
            title={state.settingOf(trainee.router).label}
          />
        ))}
      </div>
      {comparison.kind.value?.name === 'plane' && (
        <>
          <p class="caption">
            Chosen expert at each place of the plane. Paler: more weight on other experts. Grey: two experts
            tied.
          </p>
          <div class="small-figures">
            {shown.map((trainee) => (
              <MapFigure key={trainee.router} trainee={trainee} state={state} />
            ))}
          </div>
        </>
      )}
      <p class="caption">
        Routing metrics on the held-out data, every 50 steps and more often at first.
        {bandWords(seeds)}
      </p>
      <div class="small-figures">
        {measured.map((measure) => (
          <MeasureFigure
            key={measure.id}
            measure={measure}
            range={measure.range(size)}
            log={Boolean(state.get('logSteps'))}
            layer={layer}
            series={routed.map(({ router, trainees }) => ({
              label: state.settingOf(router).label,
              look: lookOf(state.schema, router),
              ...bandOf(trainees.map(({ measures }) => seriesOf(measure, measures.value.entries, layer - 1))),
            }))}
          />
        ))}
      </div>
    </section>
  );
}

/**
 * @param {object} props
 * @param {import('./measured.js').Measure} props.measure
 * @param {[number, number]} props.range
 * @param {boolean} props.log
 * @param {number} props.layer from 1
 * @param {(import('./bands.js').Band & { label: string, look: import('./marks.js').Look })[]} props.series
 */
function MeasureFigure({ measure, range, log, layer, series }) {
  const last = series[0]?.steps.at(-1) ?? 0;
  const columns = series.flatMap(({ label, look: _, ...band }) => columnsOf(label, band));
  const words = series.map(({ label, look: _, ...band }) => `${label} ${lastInWords(band, two)}`).join(', ');
  return (
    <Figure
      title={measure.title}
      name={`routers-${measure.id}`}
      caption={measure.caption}
      table={() => <StepTable columns={columns} format={two} />}
      rows={() => stepRows(columns)}
    >
      <Plot
        lines={series}
        log={log}
        range={range}
        height={150}
        format={(value) => `${Number(value.toFixed(2))}`.replace('-', '−')}
        label={`${measure.title} in layer ${layer}, from ${two(range[0])} to ${two(range[1])}, at step ${count(last)}: ${words || 'no routers'}.`}
      />
    </Figure>
  );
}
