import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import layer from './formulas/layer.tex';
import { known } from './known.js';

/**
 * The Jacobian of the layer (Do et al., 2023), and which part of it each router can change.
 *
 * @param {{ sizes: import('./inspection.js').Sizes, routers: readonly import('../schema.js').Choice[] }} props
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
      title="Jacobian of the layer, by router"
      name="jacobian"
      caption={
        'o is the output of the layer for a token x: the outputs of the chosen experts K, weighted by s. When x changes, ' +
        'o changes in two ways: through the experts (first sum) and through the weights (second sum). The second sum lies ' +
        'in the span of the rows of R whose scores have a gradient: at most one direction per expert. That gradient, ∂o/∂g, ' +
        'is the gate’s (above). The formula is the same for these routers; they differ in the values that R can take. ' +
        'Dropout and normalisation are left out.'
      }
    >
      <Formula of={layer} />
      <dl class="jacobians">
        {shown.map(({ value, label, formulas, text }) => (
          <div key={value} class={value === current ? 'is-current' : ''}>
            <dt>
              {label}
              {value === current && <span class="tag">this model</span>}
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
 * A formula, typeset when the page is built.
 *
 * @param {{ of: string }} props a `math` element from the page’s own files
 */
export function Formula({ of }) {
  return <div class="formula" dangerouslySetInnerHTML={{ __html: of }} />;
}
