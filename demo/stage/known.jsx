import { letterOf } from '../colours.js';
import { fixed, percent } from '../format.js';
import { chosenOf, weightWords } from './token.js';
import { labelOf, looksUp } from './words.js';

/**
 * What is known of a part of the machine, opened in place.
 *
 * @typedef {{ part: 'expert' | 'edge', expert: number } | { part: 'router' | 'sum' | 'shared' }} Part
 *
 * @param {object} props
 * @param {string} props.title
 * @param {() => void} props.close
 * @param {boolean} props.low whether it stands in the lower half
 * @param {import('preact').ComponentChildren} props.children
 */
export function Known({ title, close, low, children }) {
  return (
    <section class={low ? 'machine-known is-low' : 'machine-known'} aria-label={title}>
      <h3>{title}</h3>
      <button type="button" class="quiet" onClick={close} title="Close (Escape)">
        <span aria-hidden="true">×</span>
        <span class="unseen">Close</span>
      </button>
      {children}
    </section>
  );
}

/** @param {{ facts: readonly import('./token.js').Fact[] }} props */
export const Facts = ({ facts }) => (
  <dl class="known-facts">
    {facts.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

/**
 * The router: how it scores this token, expert by expert.
 *
 * @param {{ state: import('../state.js').State, token: import('./token.js').Routed, gated: boolean }} props gated: whether
 *   the gate is a choice
 */
export function RouterKnown({ state, token: { weights, logits, probabilities }, gated }) {
  const fromTable = looksUp(state);
  return (
    <>
      <p>
        {helpOf(state, 'router')} {gated && `${labelOf(state, 'gate')}: ${helpOf(state, 'gate')}`}
      </p>
      <table class="known-logits">
        <thead>
          <tr>
            <th scope="col">Expert</th>
            <th scope="col">{fromTable ? 'Table entry' : 'Logit'}</th>
            {!fromTable && <th scope="col">Probability</th>}
            <th scope="col">Weight</th>
          </tr>
        </thead>
        <tbody>
          {weights.map((weight, expert) => (
            <tr key={expert} class={weight === undefined ? '' : 'is-chosen'}>
              <th scope="row">{letterOf(expert)}</th>
              <td>{fixed(logits[expert])}</td>
              {!fromTable && <td>{percent(probabilities[expert])}</td>}
              <td>{weight === undefined ? '' : weightWords(weight)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/**
 * The sum: what is added, with which weights.
 *
 * @param {{ token: import('./token.js').Routed, shared: number }} props
 */
export function SumKnown({ token: { weights }, shared }) {
  const chosen = chosenOf(weights).filter(({ weight }) => weight > 0);
  const total = chosen.reduce((sum, { weight }) => sum + weight, 0);
  const parts = chosen.map(({ expert, weight }) => `${fixed(weight)} · ${letterOf(expert)}(x)`);
  if (shared) parts.push('shared(x)');
  return (
    <>
      <p class="known-sum">{parts.length ? parts.join(' + ') : 'Nothing: no expert computes it.'}</p>
      <p>
        {chosen.length > 0 && `The weights sum to ${fixed(total)}. `}The sum is added to x: what no expert
        computes passes unchanged.
      </p>
    </>
  );
}

/** @param {{ shared: number }} props */
export const SharedKnown = ({ shared }) => (
  <p>
    {shared === 1 ? 'An expert' : `${shared} experts as one network`} beside the router: computed for every
    token, and added without a weight.
  </p>
);

/** What the engine says of the chosen option. @param {import('../state.js').State} state @param {string} key */
function helpOf(state, key) {
  const { choices = [] } = state.settingOf(key);
  return choices.find(({ value }) => value === state.get(key))?.help ?? '';
}
