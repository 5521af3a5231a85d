import { compact, count, loss as lossText, unitName } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { looks } from './marks.js';
import { measured } from './measured.js';
import { parametersOf } from './parameters.js';

/**
 * The models, their sizes, and how they do now.
 *
 * @param {import('./room.jsx').Shown} props
 */
export function ModelsTable({ comparison, state }) {
  const unit = /** @type {import('../format.js').Unit} */ (state.get('unit'));
  const per = comparison.kind.value?.per ?? 'byte';
  const layer = Number(state.get('layer'));
  const lanes = comparison.lanes.value;
  const one = per === 'byte' ? 'character' : 'point';
  return (
    <Figure
      title="The models now"
      name="routers-now"
      caption={
        `Active: the parameters that a single ${one} meets, without the experts that do not take it. In the dense ` +
        'model all are active: it has as many, and several times the work. The frozen hypernetwork of “hyperrouter” ' +
        'makes the router once for all, and does not count. ' +
        `Losses in ${unitName(unit, per)}; routing of layer ${layer}, as of the last look.`
      }
      rows={() => [
        ['', ...lanes.map(({ router }) => router)],
        ...rowsOf(lanes, { unit, per, layer }).map(({ title, values }) => [title, ...values]),
      ]}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-scroll" tabIndex={0} aria-label="The models now, a table">
        <table class="models">
          <thead>
            <tr>
              <td />
              {lanes.map(({ router, status, step }) => (
                <th key={router} scope="col">
                  <Swatch router={router} />
                  <span>{router}</span>
                  {status.value !== 'ready' && (
                    <small>
                      {status.value === 'diverged' ? `stopped at ${count(step.value)}` : 'failed'}
                    </small>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rowsOf(lanes, { unit, per, layer }).map(({ title, values }) => (
              <tr key={title}>
                <th scope="row">{title}</th>
                {values.map((value, i) => (
                  <td key={lanes[i].router}>{value}</td>
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
 * @param {readonly import('./lane.js').Lane[]} lanes
 * @param {{ unit: import('../format.js').Unit, per: 'byte' | 'point', layer: number }} shown
 * @returns {{ title: string, values: string[] }[]} a value for each lane
 */
function rowsOf(lanes, { unit, per, layer }) {
  const sizes = lanes.map(({ summary }) => (summary.value ? parametersOf(summary.value) : undefined));
  const histories = lanes.map(({ losses }) => losses.value);
  const looks = lanes.map(({ measures }) => measures.value.entries.at(-1)?.layers[layer - 1]);
  const size = (/** @type {number | undefined} */ value) => (value === undefined ? '–' : compact(value));
  return [
    { title: 'Parameters', values: sizes.map((of) => size(of?.all)) },
    { title: 'of them learned', values: sizes.map((of) => size(of?.learned)) },
    {
      title: per === 'byte' ? 'active per character' : 'active per point',
      values: sizes.map((of) => (of && of.active === of.all ? 'all' : size(of?.active))),
    },
    {
      title: 'Training loss',
      values: histories.map(({ smooth }) => lossText(smooth.at(-1), unit)),
    },
    {
      title: 'Held-out loss',
      values: histories.map(({ heldOut }) => lossText(heldOut.at(-1)?.loss, unit)),
    },
    ...measured.map(({ title, value }) => ({
      title,
      values: looks.map((look) => (look && value(look))?.toFixed(2) ?? '–'),
    })),
  ];
}

/**
 * How a router is drawn: its line and its mark.
 *
 * @param {{ router: import('./settings.js').RouterName }} props
 */
export function Swatch({ router }) {
  const { colour, width, dash, mark, filled } = looks[router];
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
