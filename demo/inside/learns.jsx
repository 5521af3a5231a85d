import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { countsOf, countsOfTensors } from './counts.js';
import { known } from './known.js';
import { FateMark } from './stage.jsx';

/**
 * @typedef {import('./counts.js').Counts} Counts
 * @typedef {import('../schema.js').Choice} Choice
 *
 * @typedef {object} RowOf a router
 * @property {Choice} router
 * @property {Counts} counts
 * @property {string} gradient where it goes
 */

/**
 * What is frozen, what learns and where the gradient goes, for each router at the sizes of this model. A router that the
 * page knows nothing of has a row where it is the one that is looked into: its tensors tell.
 *
 * @param {{ look: import('./look.js').Look, routers: readonly Choice[] }} props
 */
export function LearnsView({ look, routers }) {
  const { sizes, parts } = look;
  const shown = routers.flatMap((router) => {
    const { value, traits = [] } = router;
    if (value in known) {
      return [{ router, counts: countsOf(sizes, traits), gradient: known[value].gradient }];
    }
    if (value !== sizes.router) return [];
    const counts = countsOfTensors(sizes, traits, parts?.tensors ?? []);
    return [
      { router, counts, gradient: counts.learned ? 'into what of it is learned' : 'into the experts only' },
    ];
  });
  return (
    <Figure
      title="What learns, what is frozen"
      name="learns"
      caption="The numbers of one layer’s router and experts, at the sizes of this model."
      rows={() => [
        [
          'router',
          'v',
          'H₁, a₁, H₂, a₂',
          'R, b',
          'R, b are',
          'experts',
          'learned in the router',
          'the gradient goes',
        ],
        ...shown.map(({ router, counts, gradient }) => {
          const { embedding, hypernetwork, weights, weightsAre, experts, learned } = counts;
          return [router.value, embedding, hypernetwork, weights, weightsAre, experts, learned, gradient];
        }),
      ]}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-scroll" tabIndex={0} aria-label="What learns and what is frozen, by router">
        <table class="learns">
          <thead>
            <tr>
              <th scope="col">Router</th>
              <th scope="col">v</th>
              <th scope="col">H₁, a₁, H₂, a₂</th>
              <th scope="col">R, b</th>
              <th scope="col">Experts</th>
              <th scope="col">Learned in the router</th>
              <th scope="col">The gradient goes</th>
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
        {current && <span class="tag">this one</span>}
      </th>
      <Cell fate="learned" size={embedding} />
      <Cell fate="frozen" size={hypernetwork} />
      <Cell fate={weightsAre} size={weights} />
      <Cell fate="learned" size={experts} />
      <td>{count(learned)}</td>
      <td class="learns-words">{gradient}</td>
    </tr>
  );
}

/** @param {{ fate: Counts['weightsAre'], size: number }} props size: 0 where there is none */
function Cell({ fate, size }) {
  if (!size || fate === 'none') return <td>–</td>;
  return (
    <td>
      <span class="learns-cell">
        <FateMark of={fate === 'partly learned' ? 'learned' : fate} /> {count(size)}
      </span>
      <small>{fate}</small>
    </td>
  );
}
