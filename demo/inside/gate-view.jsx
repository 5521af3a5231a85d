import { fillOf, letterOf } from '../colours.js';
import { count, fixed } from '../format.js';
import { gatingOf } from '../gates.js';
import { Chip, Figure } from '../views/figure.jsx';
import bias from './formulas/bias.tex';
import capacity from './formulas/capacity.tex';
import sparsity from './formulas/sparsity.tex';
import { Formula } from './jacobian.jsx';
import { knownGates, uniformGate } from './known-gates.js';

/**
 * From scores to experts and weights: which experts a token gets, their weights, the gradient, and what limits and
 * balances them.
 *
 * @param {object} props
 * @param {import('./inspection.js').Inspection} props.inspection
 * @param {import('../state.js').State} props.state of the run
 */
export function GateView({ inspection, state }) {
  const { parts, sizes } = inspection;
  if (!parts) return null;
  const gating = gatingOf(state.schema, { ...state.values.value, ...sizes });
  const gate = state.settingOf('gate').choices?.find(({ value }) => value === sizes.gate);
  const known = gating.chosen ? knownGates[String(sizes.gate)] : uniformGate;
  return (
    <Figure
      title={gating.chosen ? `Gate: ${gate?.label ?? sizes.gate}` : 'Gate: of this router'}
      name="gate"
      caption={
        gating.chosen
          ? gate?.help
          : 'This router has a gate of its own. The choice of the gate does not apply.'
      }
    >
      <dl class="jacobians" data-gate={gating.chosen ? sizes.gate : ''}>
        {known ? (
          <>
            <Part name="Chosen experts K" formula={known.choiceFormula} words={known.choice} />
            <Part name="Weights s" formula={known.weights} words={known.weightsWords} />
            <Part name="Gradient" formula={known.gradient} words={known.gradientWords} />
          </>
        ) : (
          <Part name="Weights and gradient" words="This page has no formulas for this gate." />
        )}
        {gating.steered && Number(sizes.sparsityWeight) > 0 && (
          <Part
            name="Sparsity loss"
            formula={sparsity}
            words={
              'Added to the loss; n is the number of tokens of an expert. After each step λ grows by a factor of 1.2 if a ' +
              `token had more than k experts on average, otherwise it shrinks. It begins with ${sizes.sparsityWeight}.`
            }
          />
        )}
        {gating.drops && (
          <Part
            name="Capacity"
            formula={capacity}
            words={
              `c = ${sizes.capacityFactor}. Of N tokens an expert computes no more assignments than this; the first ones ` +
              'in token order. The weight of the others becomes 0: they are dropped.'
            }
          />
        )}
        {parts.bias && (
          <Part
            name="Bias β"
            formula={bias}
            words={
              `After each step, with u = ${sizes.balanceRate} and n, the assignments of that step. β is added to the ` +
              'scores for the choice alone: the weights are without it, and it has no gradient.'
            }
          >
            <ul class="biases" aria-label="β of each expert">
              {Array.from(parts.bias, (value, expert) => (
                <li key={expert}>
                  <Chip letter={letterOf(expert)} {...fillOf(expert, sizes.experts, 1)} />{' '}
                  {value > 0 ? '+' : ''}
                  {fixed(value, 3)}
                </li>
              ))}
            </ul>
          </Part>
        )}
        {Number(sizes.sharedExperts) > 0 && (
          <Part
            name="Shared experts"
            words={`${count(Number(sizes.sharedExperts))} more, which compute every token. Their output is added without a weight.`}
          />
        )}
      </dl>
    </Figure>
  );
}

/**
 * @param {object} props
 * @param {string} props.name
 * @param {string} [props.formula]
 * @param {string} props.words
 * @param {import('preact').ComponentChildren} [props.children]
 */
function Part({ name, formula, words, children }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {formula && <Formula of={formula} />}
        <p>{words}</p>
        {children}
      </dd>
    </div>
  );
}
