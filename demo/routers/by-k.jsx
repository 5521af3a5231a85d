import { count, inUnit, unitName } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { savingOf, verdictOf } from './verdict.js';

/**
 * The paper's table in small: the held-out loss of every model for every k at inference, and what the run shows.
 *
 * @param {import('./room.jsx').Shown} props
 */
export function ByKFigure({ comparison, state }) {
  const unit = /** @type {import('../format.js').Unit} */ (state.get('unit'));
  const per = comparison.kind.value?.per ?? 'byte';
  const topK = Number(state.get('topK'));
  const lanes = comparison.lanes.value.filter(({ status }) => status.value === 'ready');
  const outcomes = lanes.map(({ router, losses, scan }) => ({
    router,
    heldOut: losses.value.heldOut,
    scan: scan.value,
  }));
  const scanned = outcomes.find(({ scan }) => scan);
  const measuring = comparison.measuring.value;
  const done = outcomes.reduce(
    (sum, { router, scan }) => sum + (router === 'dense' ? 0 : (scan?.points.length ?? 0)),
    0,
  );
  const routed = outcomes.filter(({ router }) => router !== 'dense').length;
  const wanted = routed * Number(state.get('experts'));
  return (
    <Figure
      title="Fewer or more experts than in training"
      name="routers-by-k"
      caption={
        scanned?.scan
          ? `Held-out loss in ${unitName(unit, per)} with k experts at a time, as the models were at step ${count(scanned.scan.step)}; ` +
            `they were trained with k = ${topK}. Bold: the lowest of those with a router. The dense model has no k.`
          : 'A trained model can be asked with any number k of experts. All are tried on what is held out when training pauses, or whenever you ask.'
      }
    >
      {scanned && <ByKTable outcomes={outcomes} topK={topK} unit={unit} />}
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
        {verdictOf(outcomes, { unit, per })} {savingOf(outcomes, topK, unit)}
      </p>
    </Figure>
  );
}

/**
 * @param {object} props
 * @param {import('./verdict.js').Outcome[]} props.outcomes
 * @param {number} props.topK of training
 * @param {import('../format.js').Unit} props.unit
 */
function ByKTable({ outcomes, topK, unit }) {
  const most = Math.max(...outcomes.map(({ scan }) => scan?.points.at(-1)?.topK ?? 0));
  const ks = Array.from({ length: most }, (_, i) => i + 1);
  const textAt = (
    /** @type {import('./verdict.js').Outcome} */ { router, scan },
    /** @type {number} */ k,
  ) => {
    const point = scan?.points.find((one) => router === 'dense' || one.topK === k);
    return point ? inUnit(point.loss, unit).toFixed(3) : '–';
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="table-scroll" tabIndex={0} aria-label="Held-out loss for every k, a table">
      <table class="all-k">
        <thead>
          <tr>
            <th scope="col">k</th>
            {outcomes.map(({ router }) => (
              <th key={router} scope="col">
                {router}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ks.map((k) => {
            const row = outcomes.map((outcome) => textAt(outcome, k));
            const routed = row.filter((text, i) => text !== '–' && outcomes[i].router !== 'dense');
            const least = Math.min(...routed.map(Number));
            const alone = routed.length > 1 && routed.filter((text) => Number(text) === least).length === 1;
            const isLeast = (/** @type {number} */ i) =>
              alone && outcomes[i].router !== 'dense' && Number(row[i]) === least;
            return (
              <tr key={k} class={k === topK ? 'is-current' : ''}>
                <th scope="row">
                  {k}
                  {k === topK && <small> trained</small>}
                </th>
                {row.map((text, i) => (
                  <td key={outcomes[i].router}>{isLeast(i) ? <b>{text}</b> : text}</td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
