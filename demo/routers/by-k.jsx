import { count, inUnit, unitName } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { meanScan } from './bands.js';
import { groupsOf, seedCount, seedsOf } from './groups.js';
import { routerOf } from './settings.js';
import { savingOf, verdictOf } from './verdict.js';

/** @typedef {{ router: string, routes: boolean, step?: number, points: readonly { topK: number, loss: number }[] }} ScanOf */

/**
 * The paper's table in small: the held-out loss of every model for every k at inference, and what the run shows.
 *
 * @param {import('./room.jsx').Shown} props
 */
export function ByKFigure({ comparison, state }) {
  const unit = /** @type {import('../format.js').Unit} */ (state.get('unit'));
  const per = comparison.kind.value?.per ?? 'byte';
  const topK = Number(state.get('topK'));
  const groups = groupsOf(comparison.trainees.value.filter(({ status }) => status.value === 'ready'));
  const seeds = seedCount(groups);
  const traitsOf = (/** @type {string} */ router) => routerOf(state.schema, router).traits;
  const routes = (/** @type {string} */ router) => traitsOf(router).includes('routes');
  const scans = groups.map(({ router, trainees }) => {
    const scan = meanScan(trainees.map((trainee) => trainee.lossByK.value));
    return { router, routes: routes(router), step: scan?.step, points: scan?.points ?? [] };
  });
  const outcomes = seedsOf(groups).map((trainees) =>
    trainees.map(({ router, losses }) => ({
      router,
      traits: traitsOf(router),
      heldOut: losses.value.heldOut,
    })),
  );
  const scanned = scans.find(({ points }) => points.length);
  const measuring = comparison.measuring.value;
  const routed = groups.flatMap(({ router, trainees }) => (routes(router) ? trainees : []));
  const done = routed.reduce((sum, { lossByK }) => sum + (lossByK.value?.points.length ?? 0), 0);
  const wanted = routed.length * Number(state.get('experts'));
  return (
    <Figure
      rows={scanned ? () => rowsOf(scans, unit, unitName(unit, per)) : undefined}
      title="Fewer or more experts than in training"
      name="routers-by-k"
      caption={
        scanned
          ? `Held-out loss in ${unitName(unit, per)} with k experts at a time, as the models were at step ${count(Number(scanned.step))}; ` +
            `they were trained with k = ${topK}. Bold: the lowest of those with a router. The dense model has no k.${seeds > 1 ? ` Means of ${seeds} seeds.` : ''}`
          : 'A trained model can be asked with any number k of experts. All are tried on what is held out when training pauses, or whenever you ask.'
      }
    >
      {scanned && <ByKTable scans={scans} topK={topK} unit={unit} />}
      <div class="row">
        <button
          type="button"
          disabled={!measuring && !['ready', 'running'].includes(comparison.status.value)}
          onClick={measuring ? comparison.stopMeasuring : comparison.measure}
        >
          {measuring ? 'Stop' : scanned ? 'Try every k again' : 'Try every k'}
        </button>
        {measuring && (
          <progress value={done} max={wanted} aria-label="Values of k that were tried">
            {done} of {wanted}
          </progress>
        )}
      </div>
      <p class="verdict">
        {verdictOf(outcomes, { unit, per })} {savingOf(scans, topK, unit)}
      </p>
    </Figure>
  );
}

/** Every k that was tried. @param {readonly ScanOf[]} scans */
const ksOf = (scans) =>
  Array.from({ length: Math.max(...scans.map(({ points }) => points.at(-1)?.topK ?? 0)) }, (_, i) => i + 1);

/**
 * @param {ScanOf} scan
 * @param {number} k
 * @param {import('../format.js').Unit} unit
 */
function lossAt({ routes, points }, k, unit) {
  const point = points.find((one) => !routes || one.topK === k);
  return point && inUnit(point.loss, unit);
}

/**
 * @param {readonly ScanOf[]} scans
 * @param {import('../format.js').Unit} unit
 * @param {string} unitWords
 */
const rowsOf = (scans, unit, unitWords) => [
  ['k', ...scans.map(({ router }) => `${router}, ${unitWords}`)],
  ...ksOf(scans).map((k) => [k, ...scans.map((scan) => lossAt(scan, k, unit) ?? null)]),
];

/**
 * @param {object} props
 * @param {ScanOf[]} props.scans
 * @param {number} props.topK of training
 * @param {import('../format.js').Unit} props.unit
 */
function ByKTable({ scans, topK, unit }) {
  const textAt = (/** @type {ScanOf} */ scan, /** @type {number} */ k) =>
    lossAt(scan, k, unit)?.toFixed(3) ?? '–';
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="table-scroll" tabIndex={0} aria-label="Held-out loss for every k, a table">
      <table class="all-k">
        <thead>
          <tr>
            <th scope="col">k</th>
            {scans.map(({ router }) => (
              <th key={router} scope="col">
                {router}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ksOf(scans).map((k) => {
            const row = scans.map((scan) => textAt(scan, k));
            const routed = row.filter((text, i) => text !== '–' && scans[i].routes);
            const least = Math.min(...routed.map(Number));
            const alone = routed.length > 1 && routed.filter((text) => Number(text) === least).length === 1;
            const isLeast = (/** @type {number} */ i) => alone && scans[i].routes && Number(row[i]) === least;
            return (
              <tr key={k} class={k === topK ? 'is-current' : ''}>
                <th scope="row">
                  {k}
                  {k === topK && <small> trained</small>}
                </th>
                {row.map((text, i) => (
                  <td key={scans[i].router}>{isLeast(i) ? <b>{text}</b> : text}</td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
