import { count, unitName } from '../format.js';
import { fieldsOf } from '../schema.js';
import { Figure } from '../views/figure.jsx';
import { groupsOf, seedCount } from './groups.js';
import { lookOf } from './marks.js';
import { rowsNow } from './now.js';

/**
 * The models, their sizes and current metrics.
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
  const rows = rowsNow(groups, { unit, per, layer, fields: fieldsOf(state.schema) });
  return (
    <Figure
      title="Current results"
      name="routers-now"
      caption={
        `Active: parameters used for a single ${one}. In a dense model all are active, so each ${one} takes several ` +
        'times the computation. A hypernetwork generates the router once for all tokens and does not count as active. ' +
        `Losses in ${unitName(unit, per)}. Routing metrics of layer ${layer}, last measurement. ` +
        `A label marks the extreme value of a row.${seeds > 1 ? ` Mean of ${seeds} seeds.` : ''}`
      }
      rows={() => [
        ['', ...groups.map(({ router }) => state.settingOf(router).label)],
        ...rows.map(({ title, values }) => [title, ...values]),
      ]}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-scroll" tabIndex={0} aria-label="Current results by router">
        <table class="models">
          <thead>
            <tr>
              <td />
              {groups.map((group) => (
                <th key={group.router} scope="col">
                  <Swatch look={lookOf(state.schema, group.router)} />
                  <span>{state.settingOf(group.router).label}</span>
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
 * The runs of a router that have stopped.
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
  return <small>{status.value === 'diverged' ? `diverged at ${count(step.value)}` : 'failed'}</small>;
}

/**
 * The line style of a router.
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
