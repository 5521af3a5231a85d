import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { countsOf, countsOfTensors } from './counts.js';
import { RoleMark } from './diagram.jsx';
import { known } from './known.js';

/**
 * @typedef {import('./counts.js').Counts} Counts
 * @typedef {import('../schema.js').Choice} Choice
 *
 * @typedef {object} RowOf a router
 * @property {Choice} router
 * @property {Counts} counts
 * @property {string} gradient its path
 */

/**
 * What is learned, what is frozen and where the gradient flows, for each router at the sizes of this model. A router
 * that the page knows only by its tensors has a row when it is the current one.
 *
 * @param {{ inspection: import('./inspection.js').Inspection, routers: readonly Choice[] }} props
 */
export function LearnsView({ inspection, routers }) {
  const { sizes, parts } = inspection;
  const shown = routers.flatMap((router) => {
    const { value, traits = [] } = router;
    if (value in known && !known[value].logits) {
      return [{ router, counts: countsOf(sizes, traits), gradient: known[value].gradient }];
    }
    if (value !== sizes.router) return [];
    const counts = countsOfTensors(sizes, traits, parts?.tensors ?? []);
    const gradient = known[value]?.gradient ?? (counts.learned ? 'the learned tensors' : 'experts only');
    return [{ router, counts, gradient }];
  });
  return (
    <Figure
      title="Learned and frozen parameters"
      name="learns"
      caption="Parameters of one layer’s router and experts, at the sizes of this model."
      rows={() => [
        [
          'router',
          'v',
          'H₁, a₁, H₂, a₂',
          'R, b',
          'role of R, b',
          'experts',
          'learned in the router',
          'gradient path',
        ],
        ...shown.map(({ router, counts, gradient }) => {
          const { embedding, hypernetwork, weights, weightsAre, experts, learned } = counts;
          return [router.label, embedding, hypernetwork, weights, weightsAre, experts, learned, gradient];
        }),
      ]}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-scroll" tabIndex={0} aria-label="Learned and frozen parameters, by router">
        <table class="learns">
          <thead>
            <tr>
              <th scope="col">Router</th>
              <th scope="col">v</th>
              <th scope="col">H₁, a₁, H₂, a₂</th>
              <th scope="col">R, b</th>
              <th scope="col">Experts</th>
              <th scope="col">Learned in the router</th>
              <th scope="col">Gradient path</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <Row key={row.router.value} {...row} current={row.router.value === sizes.router} />
            ))}
          </tbody>
        </table>
      </section>
    </Figure>
  );
}

/** @param {RowOf & { current: boolean }} props */
function Row({ router, counts, gradient, current }) {
  const { embedding, hypernetwork, weights, weightsAre, learned, experts } = counts;
  return (
    <tr class={current ? 'is-current' : ''}>
      <th scope="row">
        {router.label}
        {current && <span class="tag">this model</span>}
      </th>
      <Cell tensorRole="learned" size={embedding} />
      <Cell tensorRole="frozen" size={hypernetwork} />
      <Cell tensorRole={weightsAre} size={weights} />
      <Cell tensorRole="learned" size={experts} />
      <td>{count(learned)}</td>
      <td class="learns-words">{gradient}</td>
    </tr>
  );
}

/** @param {{ tensorRole: Counts['weightsAre'], size: number }} props size: 0 for none */
function Cell({ tensorRole, size }) {
  if (!size || tensorRole === 'none') return <td>–</td>;
  return (
    <td>
      <span class="learns-cell">
        <RoleMark of={tensorRole === 'partly learned' ? 'learned' : tensorRole} /> {count(size)}
      </span>
      <small>{tensorRole}</small>
    </td>
  );
}
