import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { countsOf } from './counts.js';
import { FateMark } from './stage.jsx';

/** @typedef {import('./counts.js').Counts} Counts */

const kinds = /** @type {const} */ (['hyperrouter', 'smoe', 'smoe-dropout', 'dense']);

/** @type {Record<typeof kinds[number], string>} */
const gradientGoes = {
  hyperrouter: 'from the weights of the chosen into R, back through the frozen layers, into v',
  smoe: 'from the weights of the chosen into R and b',
  'smoe-dropout': 'into the experts only; it ends before R',
  dense: 'into the one network',
};

/**
 * What is frozen, what learns and where the gradient goes, for each router at the sizes of this model.
 *
 * @param {{ sizes: import('./look.js').Sizes }} props
 */
export function LearnsView({ sizes }) {
  const counts = countsOf(sizes);
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
        ...kinds.map((kind) => {
          const { embedding, hypernetwork, weights, weightsAre, experts, learned } = counts[kind];
          return [kind, embedding, hypernetwork, weights, weightsAre, experts, learned, gradientGoes[kind]];
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
            {kinds.map((kind) => (
              <Row key={kind} kind={kind} counts={counts[kind]} current={kind === sizes.router} />
            ))}
          </tbody>
        </table>
      </section>
    </Figure>
  );
}

/** @param {{ kind: typeof kinds[number], counts: Counts, current: boolean }} props */
function Row({ kind, counts, current }) {
  const { embedding, hypernetwork, weights, weightsAre, learned, experts } = counts;
  return (
    <tr class={current ? 'is-current' : ''}>
      <th scope="row">
        {kind}
        {current && <span class="tag">this one</span>}
      </th>
      <Cell fate="learned" size={embedding} />
      <Cell fate="frozen" size={hypernetwork} />
      <Cell fate={weightsAre === 'none' ? 'learned' : weightsAre} size={weights} />
      <Cell fate="learned" size={experts} />
      <td>{count(learned)}</td>
      <td class="learns-words">{gradientGoes[kind]}</td>
    </tr>
  );
}

/** @param {{ fate: import('./stage.jsx').Fate, size: number }} props size: 0 where there is none */
function Cell({ fate, size }) {
  if (!size) return <td>–</td>;
  return (
    <td>
      <span class="learns-cell">
        <FateMark of={fate} /> {count(size)}
      </span>
      <small>{fate}</small>
    </td>
  );
}
