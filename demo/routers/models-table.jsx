import { count, unitName } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { groupsOf, seedCount } from './groups.js';
import { lookOf } from './marks.js';
import { rowsNow } from './now.js';
import { routersOf } from './settings.js';

/**
 * The models, their sizes, and how they do now.
 *
 * @param {import('./room.jsx').Shown} props
 */
export function ModelsTable({ comparison, state }) {
  const unit = /** @type {import('../format.js').Unit} */ (state.get('unit'));
  const per = comparison.kind.value?.per ?? 'byte';
  const layer = Number(state.get('layer'));
  const groups = groupsOf(comparison.trainees.value);
  const seeds = seedCount(groups);
  const one = per === 'byte' ? 'character' : 'point';
  const rows = rowsNow(groups, { unit, per, layer, routers: routersOf(state.schema) });
  return (
    <Figure
      title="The models now"
      name="routers-now"
      caption={
        `Active: the parameters that a single ${one} meets, without the experts that do not take it. In the dense ` +
        'model all are active: it has as many, and several times the work. A frozen hypernetwork ' +
        'makes the router once for all, and does not count. ' +
        `Losses in ${unitName(unit, per)}; routing of layer ${layer}, as of the last look. A word marks the one ` +
        `that leads on the side that is mostly wished for.${seeds > 1 ? ` Means of ${seeds} seeds.` : ''}`
      }
      rows={() => [
        ['', ...groups.map(({ router }) => router)],
        ...rows.map(({ title, values }) => [title, ...values]),
      ]}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-scroll" tabIndex={0} aria-label="The models now, a table">
        <table class="models">
          <thead>
            <tr>
              <td />
              {groups.map((group) => (
                <th key={group.router} scope="col">
                  <Swatch look={lookOf(state.schema, group.router)} />
                  <span>{group.router}</span>
                  <Stopped group={group} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ title, values, best }) => (
              <tr key={title}>
                <th scope="row">{title}</th>
                {values.map((value, i) => (
                  <td key={groups[i].router}>
                    {best?.at === i ? (
                      <>
                        <b>{value}</b> <small>{best.word}</small>
                      </>
                    ) : (
                      value
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Figure>
  );
}

/**
 * Which runs of a router do not go on.
 *
 * @param {{ group: import('./groups.js').Group }} props
 */
function Stopped({ group: { all } }) {
  const stopped = all.filter(({ status }) => status.value !== 'ready');
  if (!stopped.length) return null;
  if (all.length > 1) {
    return (
      <small>
        {stopped.length} of {all.length} stopped
      </small>
    );
  }
  const [{ status, step }] = stopped;
  return <small>{status.value === 'diverged' ? `stopped at ${count(step.value)}` : 'failed'}</small>;
}

/**
 * How a router is drawn: its line and its mark.
 *
 * @param {{ look: import('./marks.js').Look }} props
 */
export function Swatch({ look: { colour, width, dash, mark, filled } }) {
  const ink = { stroke: `var(${colour})`, fill: filled ? `var(${colour})` : 'var(--ground)' };
  return (
    <svg class="swatch" viewBox="0 0 34 12" width="34" height="12" aria-hidden="true">
      <line
        x1="0"
        x2="34"
        y1="6"
        y2="6"
        stroke={ink.stroke}
        stroke-width={width}
        stroke-dasharray={dash.join(' ')}
      />
      {mark === 'circle' ? (
        <circle cx="17" cy="6" r="3.5" {...ink} stroke-width="1.25" />
      ) : (
        <rect x="13.8" y="2.8" width="6.4" height="6.4" {...ink} stroke-width="1.25" />
      )}
    </svg>
  );
}
