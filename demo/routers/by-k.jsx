import { count, inUnit, unitName } from '../format.js';
import { gatingOf } from '../gates.js';
import { Figure } from '../views/figure.jsx';
import { meanScan } from './bands.js';
import { groupsOf, seedCount, seedsOf } from './groups.js';
import { routerOf } from './settings.js';
import { savingOf, verdictOf } from './verdict.js';

/** @typedef {{ label: string, routes: boolean, step?: number, points: readonly { topK: number, loss: number }[] }} ScanOf */

/**
 * A small version of the paper's table: the held-out loss of every model for every k at inference, and the conclusion.
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
  const labelOf = (/** @type {string} */ router) => state.settingOf(router).label;
  const kind = comparison.kind.value;
  const routes = (/** @type {string} */ router) =>
    kind ? kind.routes(router) : traitsOf(router).includes('routes');
  const { steered } = gatingOf(state.schema, state.values.value);
  const scans = groups.map(({ router, trainees }) => {
    const scan = meanScan(trainees.map((trainee) => trainee.lossByK.value));
    return { label: labelOf(router), routes: routes(router), step: scan?.step, points: scan?.points ?? [] };
  });
  const outcomes = seedsOf(groups).map((trainees) =>
    trainees.map(({ router, losses }) => ({
      label: labelOf(router),
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
      title="Held-out loss by k"
      name="routers-by-k"
      caption={
        scanned
          ? `In ${unitName(unit, per)}, with k experts per token, at step ${count(Number(scanned.step))}. Trained with k = ${topK}. ` +
            `Bold: lowest among the models with a router. ${steered ? 'With this gate, k does not decide how many experts a token gets.' : 'A dense model has no k.'}${seeds > 1 ? ` Mean of ${seeds} seeds.` : ''}`
          : 'A trained model can use any k at inference. Every k is measured on the held-out data when training pauses, or on request.'
      }
    >
      {scanned && <ByKTable scans={scans} topK={topK} unit={unit} />}
      <div class="row">
        <button
          type="button"
          disabled={!measuring && !['ready', 'running'].includes(comparison.status.value)}
          onClick={measuring ? comparison.stopMeasuring : comparison.measure}
        >
          {measuring ? 'Stop' : scanned ? 'Evaluate again' : 'Evaluate every k'}
        </button>
        {measuring && (
          <progress value={done} max={wanted} aria-label="Values of k measured so far">
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

/** Every measured k. @param {readonly ScanOf[]} scans */
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
  ['k', ...scans.map(({ label }) => `${label}, ${unitWords}`)],
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
    <section class="table-scroll" tabIndex={0} aria-label="Held-out loss by k, all routers">
      <table class="all-k">
        <thead>
          <tr>
            <th scope="col">k</th>
            {scans.map(({ label }) => (
              <th key={label} scope="col">
                {label}
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
                  <td key={scans[i].label}>{isLeast(i) ? <b>{text}</b> : text}</td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
