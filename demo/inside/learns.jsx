import { compact } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { routerCounts } from './router.js';

const kinds = /** @type {const} */ (['hyperrouter', 'smoe', 'smoe-dropout']);

/**
 * What is frozen, what learns and where the gradient goes, for each router at the sizes of this model.
 *
 * @param {{ sizes: { experts: number, dModel: number, hyperSize: number }, current: string }} props
 */
export function LearnsView({ sizes, current }) {
  const counts = routerCounts(sizes);
  /** @type {[string, (kind: typeof kinds[number]) => string][]} */
  const rows = [
    ['Embedding v', (kind) => (counts[kind].embedding ? `learns: ${compact(counts[kind].embedding)}` : '–')],
    [
      'Hypernetwork H₁, a₁, H₂, a₂',
      (kind) => (counts[kind].hypernetwork ? `frozen: ${compact(counts[kind].hypernetwork)}` : '–'),
    ],
    [
      'Weights R, b',
      (kind) =>
        `${{ hyperrouter: 'computed', smoe: 'learn', 'smoe-dropout': 'frozen' }[kind]}: ${compact(counts[kind].weights)}`,
    ],
    ['Learned in all', (kind) => compact(counts[kind].learned)],
    [
      'The gradient goes',
      (kind) =>
        ({
          hyperrouter: 'through the weights of the chosen into R, through the frozen layers, into v',
          smoe: 'through the weights of the chosen into R and b',
          'smoe-dropout': 'into the experts only',
        })[kind],
    ],
  ];
  return (
    <Figure
      title="What learns, what is frozen"
      name="learns"
      caption="One layer’s router, in numbers, at the sizes that this model has."
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-scroll" tabIndex={0} aria-label="What learns and what is frozen, by router">
        <table class="learns">
          <thead>
            <tr>
              <td />
              {kinds.map((kind) => (
                <th scope="col" key={kind} class={kind === current ? 'is-current' : ''}>
                  {kind}
                  {kind === current && <span class="unseen"> (this one)</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {kinds.map((kind) => (
                  <td key={kind} class={kind === current ? 'is-current' : ''}>
                    {value(kind)}
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
