import { Figure } from '../views/figure.jsx';
import fixed from './fixed.tex';
import free from './free.tex';
import jacobian from './jacobian.tex';
import layer from './layer.tex';
import made from './made.tex';

const routers = [
  {
    kind: 'smoe',
    formula: free,
    text:
      'R is learned together with the experts. Tokens are drawn into the span of its rows, and the rows follow the ' +
      'tokens: this is what is blamed for representation collapse.',
  },
  {
    kind: 'smoe-dropout',
    formula: fixed,
    text:
      'R is random and never moves. The second term still pulls x into the span of its rows, but that span is the same ' +
      'from the first step to the last, however well or badly it fits.',
  },
  {
    kind: 'hyperrouter',
    formula: made,
    text:
      'R moves, but only within what the frozen hypernetwork makes of v. It can get better with training, and cannot ' +
      'follow each token on its own.',
  },
];

/**
 * The Jacobian of the layer, which is the same for all routers, and what of it each of them lets change.
 *
 * @param {{ current: string }} props
 */
export function JacobianView({ current }) {
  return (
    <Figure
      title="What the routers differ in"
      name="jacobian"
      caption={
        'K are the chosen experts, s their weights, o the output of the layer. When its input x changes, o changes in ' +
        'two ways: through the experts themselves (first sum), and through their weights, that is, through the rows of R ' +
        '(second sum; without dropout and normalisation).'
      }
    >
      <Formula mathml={layer} />
      <Formula mathml={jacobian} />
      <dl class="jacobians">
        {routers.map(({ kind, formula, text }) => (
          <div key={kind} class={kind === current ? 'is-current' : ''}>
            <dt>
              {kind}
              {kind === current && <span class="tag">this one</span>}
            </dt>
            <dd>
              <Formula mathml={formula} />
              <p>{text}</p>
            </dd>
          </div>
        ))}
      </dl>
    </Figure>
  );
}

/** @param {{ mathml: string }} props of the page's own files */
function Formula({ mathml }) {
  return <div class="formula" dangerouslySetInnerHTML={{ __html: mathml }} />;
}
