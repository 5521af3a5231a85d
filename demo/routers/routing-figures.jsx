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
 * How the models share the work: the load of their experts, and one small chart for each measure.
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
        <h2 id="title-routing">How they share the work, layer {layer}</h2>
        <Field state={state} name="layer" onProblems={() => {}} />
      </div>
      <p class="caption">
        The load of each expert over the steps: the higher its band, the more it takes. The same letter in two
        models stands for two experts that have nothing to do with each other. The dense model has none.
        {seeds > 1 && ` Of the ${seeds} seeds, the first is shown.`}
      </p>
      <div class="small-figures">
        {shown.map((trainee) => (
          <LoadHistoryView key={trainee.router} run={trainee} state={state} of={trainee.router} />
        ))}
      </div>
      {comparison.kind.value?.name === 'plane' && (
        <>
          <p class="caption">
            The plane that the points lie in: each place has the colour of the expert that comes first there,
            the paler the more it shares; grey where two are level.
          </p>
          <div class="small-figures">
            {shown.map((trainee) => (
              <MapFigure key={trainee.router} trainee={trainee} state={state} />
            ))}
          </div>
        </>
      )}
      <p class="caption">
        Measures of the routing of what is held out, every 50 steps and more often at first.
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
              router,
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
 * @param {number} props.layer counted from 1
 * @param {(import('./bands.js').Band & { router: string, look: import('./marks.js').Look })[]} props.series
 */
function MeasureFigure({ measure, range, log, layer, series }) {
  const last = series[0]?.steps.at(-1) ?? 0;
  const columns = series.flatMap(({ router, look: _, ...band }) => columnsOf(router, band));
  const words = series
    .map(({ router, look: _, ...band }) => `${router} ${lastInWords(band, two)}`)
    .join(', ');
  return (
    <Figure
      title={measure.title}
      name={`routers-${measure.id}`}
      caption={measure.caption}
      table={() => <StepTable columns={columns} format={two} />}
      rows={() => stepRows(columns)}
    >
      <Plot
        lines={series.map(({ router, ...band }) => ({ label: router, ...band }))}
        log={log}
        range={range}
        height={150}
        format={(value) => `${Number(value.toFixed(2))}`.replace('-', '−')}
        label={`${measure.title} in layer ${layer}, from ${two(range[0])} to ${two(range[1])}, at step ${count(last)}: ${words || 'no routers'}.`}
      />
    </Figure>
  );
}
