import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { Formula } from './formula.jsx';
import hyperrouter from './formulas/hyperrouter.tex';
import hyperrouterFree from './formulas/hyperrouter-free.tex';
import hyperrouterMade from './formulas/hyperrouter-made.tex';
import layer from './formulas/layer.tex';
import smoe from './formulas/smoe.tex';
import smoeDropout from './formulas/smoe-dropout.tex';
import smoeDropoutFree from './formulas/smoe-dropout-free.tex';
import smoeFree from './formulas/smoe-free.tex';

/**
 * The Jacobian of the layer for the three routers (Do et al., 2023), and what of it each of them lets change.
 *
 * @param {{ sizes: import('./look.js').Sizes }} props
 */
export function JacobianView({ sizes }) {
  const { dModel, experts, router } = sizes;
  const free = count(experts * dModel);
  const routers = [
    {
      kind: 'smoe',
      formulas: [smoe, smoeFree],
      text:
        `All ${free} numbers of R are free. Tokens are pulled towards the rows of R, and the rows follow the tokens: ` +
        'this circle is what is blamed for representation collapse.',
    },
    {
      kind: 'smoe-dropout',
      formulas: [smoeDropout, smoeDropoutFree],
      text:
        'Nothing of R is free. Tokens are still pulled into the span of its rows, but that span stays what chance made ' +
        'it, however well or badly it fits.',
    },
    {
      kind: 'hyperrouter',
      formulas: [hyperrouter, hyperrouterMade, hyperrouterFree],
      text:
        `R moves, but only as the ${count(dModel)} numbers of v move it, all of its rows together: ` +
        'it can get better, and cannot follow each token on its own.',
    },
  ];
  return (
    <Figure
      title="What the routers differ in, as a formula"
      name="jacobian"
      caption={
        'o is what the layer puts out for a token x: the outputs of the chosen experts K by their weights s. When x changes ' +
        'a little, o changes in two ways: through the experts themselves (first sum), and because the weights shift ' +
        '(second sum). The second can pull x only along the chosen rows of R: at most as many directions as there are ' +
        'experts. The formula is the same for all; what R may become is not. Dropout and normalisation are left out.'
      }
    >
      <Formula of={layer} />
      <dl class="jacobians">
        {routers.map(({ kind, formulas, text }) => (
          <div key={kind} class={kind === router ? 'is-current' : ''}>
            <dt>
              {kind}
              {kind === router && <span class="tag">this one</span>}
            </dt>
            <dd>
              {formulas.map((formula) => (
                <Formula key={formula} of={formula} />
              ))}
              <p>{text}</p>
            </dd>
          </div>
        ))}
      </dl>
    </Figure>
  );
}
