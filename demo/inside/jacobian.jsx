import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import layer from './formulas/layer.tex';
import { known } from './known.js';

/**
 * The Jacobian of the layer (Do et al., 2023), and what of it each of the routers that the page knows lets change.
 *
 * @param {{ sizes: import('./look.js').Sizes, routers: readonly import('../schema.js').Choice[] }} props
 */
export function JacobianView({ sizes, routers }) {
  const { dModel, experts, router: current } = sizes;
  const numbers = { free: count(experts * dModel), embedding: count(dModel) };
  const shown = routers.flatMap(({ value, label }) => {
    const jacobian = known[value]?.jacobian;
    return jacobian ? [{ value, label, ...jacobian }] : [];
  });
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
        {shown.map(({ value, label, formulas, text }) => (
          <div key={value} class={value === current ? 'is-current' : ''}>
            <dt>
              {label}
              {value === current && <span class="tag">this one</span>}
            </dt>
            <dd>
              {formulas.map((formula) => (
                <Formula key={formula} of={formula} />
              ))}
              <p>{text(numbers)}</p>
            </dd>
          </div>
        ))}
      </dl>
    </Figure>
  );
}

/**
 * A formula, set when the page was built.
 *
 * @param {{ of: string }} props a `math` element out of the page’s own files
 */
export function Formula({ of }) {
  return <div class="formula" dangerouslySetInnerHTML={{ __html: of }} />;
}
