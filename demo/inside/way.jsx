import { letterOf } from '../colours.js';
import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { HeatMap, number } from './heat-map.jsx';
import { reachOf } from './path.js';

/**
 * @typedef {import('./router.js').Matrix} Matrix
 * @typedef {import('./router.js').RouterParts} RouterParts
 * @typedef {'learns' | 'frozen' | 'made'} Role
 */

/** @type {Record<Role, string>} */
const roleWords = { learns: 'learns', frozen: 'frozen', made: 'computed' };

/** @type {Record<RouterParts['kind'], string>} */
const captions = {
  hyperrouter:
    'Only the vector v at the top is learned. Two frozen layers of random numbers turn it into R and b, ' +
    'which give each expert its score. The gradient passes through the frozen layers and moves v alone.',
  smoe: 'R and b are numbers of their own, and all of them are learned, together with the experts.',
  'smoe-dropout':
    'R and b were drawn at random and stay as they are. No gradient reaches them; the experts adapt.',
};

/**
 * From the embedding to the router's weights: every step of it as a picture.
 *
 * @param {{ parts: RouterParts, layer: number, step: number }} props layer: counted from 1
 */
export function WayView({ parts, layer, step }) {
  return (
    <Figure
      title={`How the router of layer ${layer} comes about`}
      name="way"
      caption={captions[parts.kind]}
      table={() => <WeightTable parts={parts} />}
    >
      <Legend kind={parts.kind} />
      <ol class={`way way-${parts.kind}`}>
        {parts.hypernetwork && <Generator of={parts.hypernetwork} step={step} />}
        <WeightStage parts={parts} step={step} />
        <li class="way-end">
          <p>
            A token x gets the scores <i>g = R x + b</i>, one for each expert; the k highest are chosen, and
            the softmax over these is how much each counts.
          </p>
        </li>
      </ol>
    </Figure>
  );
}

/** @param {{ kind: RouterParts['kind'] }} props */
function Legend({ kind }) {
  return (
    <ul class="key">
      {kind !== 'smoe-dropout' && (
        <li>
          <i class="role role-learns" /> learned
        </li>
      )}
      {kind !== 'smoe' && (
        <li>
          <i class="role role-frozen" /> frozen: drawn at random once
        </li>
      )}
      {kind === 'hyperrouter' && (
        <li>
          <i class="role role-made" /> computed from what stands above
        </li>
      )}
      {kind !== 'smoe-dropout' && (
        <li>
          <i class="role-gradient" aria-hidden="true">
            ↑
          </i>{' '}
          the gradient flows
        </li>
      )}
      <li>
        <i class="heat-key" /> below 0, 0, above 0
      </li>
    </ul>
  );
}

/**
 * @param {object} props
 * @param {string} props.symbol
 * @param {string} props.name
 * @param {Role} props.state
 * @param {number} props.size how many numbers
 * @param {boolean} [props.gradient] whether it flows through here
 * @param {import('preact').ComponentChildren} props.children
 */
function Stage({ symbol, name, state, size, gradient = false, children }) {
  return (
    <li class={`stage stage-${state}${gradient ? ' has-gradient' : ''}`}>
      <div class="stage-name">
        <b>{symbol}</b> {name}
        <span class="stage-facts">
          {state === 'frozen' && <Lock />}
          {roleWords[state]}, {count(size)} numbers
          {gradient && <span class="unseen">; the gradient flows through</span>}
        </span>
      </div>
      <div class="stage-picture">{children}</div>
    </li>
  );
}

function Lock() {
  return (
    <svg viewBox="0 0 12 14" aria-hidden="true">
      <path d="M1 6.5h10v6.5h-10zM3.2 6.5v-2.5a2.8 2.8 0 0 1 5.6 0v2.5" />
    </svg>
  );
}

/** @param {{ of: import('./router.js').Hypernetwork, step: number }} props */
function Generator({ of, step }) {
  const { embedding, embeddingGradient, first, hidden, second } = of;
  const active = hidden.data.filter((x) => x > 0).length;
  const at = (/** @type {string} */ symbol) => (/** @type {number} */ _row, /** @type {number} */ column) =>
    `${symbol}, number ${column + 1} of ${of.embedding.columns}`;
  return (
    <>
      <Stage symbol="v" name="the router embedding" state="learns" size={embedding.columns} gradient>
        <HeatMap
          kind="heat-strip"
          matrix={embedding}
          reach={4}
          label={`The router embedding v, ${embedding.columns} numbers from ${range(embedding)}.`}
          nameOf={at('v')}
        />
        {embeddingGradient && step > 0 && (
          <div class="stage-gradient">
            <span>where the last step pulled it (−gradient)</span>
            <HeatMap
              kind="heat-thin"
              matrix={negative(embeddingGradient)}
              reach={reachOf(embeddingGradient.data, 1e-9)}
              label={`The direction in which the last step pulled v: minus its gradient, from ${range(negative(embeddingGradient))}.`}
              nameOf={at('pull on v')}
            />
          </div>
        )}
      </Stage>
      <Wall symbol="H₁, a₁" name="first frozen layer, then relu" linear={first} />
      <Stage
        symbol="h"
        name={`hidden: ${active} of ${hidden.columns} are above 0`}
        state="made"
        size={hidden.columns}
        gradient
      >
        <HeatMap
          kind="heat-strip"
          matrix={hidden}
          reach={reachOf(hidden.data)}
          label={`The hidden layer h, ${hidden.columns} numbers, of which ${active} are above 0.`}
          nameOf={(_row, column) => `h, number ${column + 1} of ${hidden.columns}`}
        />
      </Stage>
      <Wall symbol="H₂, a₂" name="second frozen layer" linear={second} />
    </>
  );
}

/**
 * A frozen layer: too many numbers to read, and none of them ever changes.
 *
 * @param {{ symbol: string, name: string, linear: import('./router.js').Linear }} props
 */
function Wall({ symbol, name, linear: { weight, bias } }) {
  // As wide as what goes in reads from left to right.
  const { rows, columns } = weight;
  return (
    <Stage symbol={symbol} name={name} state="frozen" size={weight.data.length + bias.data.length} gradient>
      <HeatMap
        kind="heat-wall"
        matrix={weight}
        reach={0.0625}
        label={`${symbol}: ${rows} by ${columns} random numbers, frozen.`}
        nameOf={(row, column) =>
          `${symbol.slice(0, 2)}, row ${row + 1} of ${rows}, column ${column + 1} of ${columns}`
        }
      />
    </Stage>
  );
}

/** @param {{ parts: RouterParts, step: number }} props */
function WeightStage({ parts, step }) {
  const { kind, weight, bias, weightGradient } = parts;
  const both = withBias(weight, bias);
  const state = kind === 'hyperrouter' ? 'made' : kind === 'smoe' ? 'learns' : 'frozen';
  const nameOf = (/** @type {number} */ row, /** @type {number} */ column) =>
    column < weight.columns
      ? `R, expert ${letterOf(row)}, number ${column + 1} of ${weight.columns}`
      : `b, expert ${letterOf(row)}`;
  return (
    <Stage
      symbol="R, b"
      name="the router’s weights: a row for each expert"
      state={state}
      size={both.data.length}
      gradient={kind !== 'smoe-dropout'}
    >
      <div class="heat-rows" style={{ '--rows': weight.rows }}>
        <RowNames rows={weight.rows} />
        <HeatMap
          kind="heat-matrix"
          matrix={both}
          reach={reachOf(both.data)}
          label={`R and, as the last column, b: ${weight.rows} experts by ${both.columns} numbers from ${range(both)}; the darkest is ${number(reachOf(both.data))}.`}
          nameOf={nameOf}
        />
      </div>
      <p class="help">The last column is b. The darkest colour stands for ±{number(reachOf(both.data))}.</p>
      {weightGradient && step > 0 && (
        <div class="stage-gradient">
          <span>where the last step pulled R (−gradient)</span>
          <div class="heat-rows" style={{ '--rows': weight.rows }}>
            <RowNames rows={weight.rows} />
            <HeatMap
              kind="heat-matrix"
              matrix={negative(weightGradient)}
              reach={reachOf(weightGradient.data, 1e-9)}
              label={`The direction in which the last step pulled R, from ${range(negative(weightGradient))}.`}
              nameOf={(row, column) => `pull on R, expert ${letterOf(row)}, number ${column + 1}`}
            />
          </div>
        </div>
      )}
    </Stage>
  );
}

/** @param {{ rows: number }} props */
function RowNames({ rows }) {
  return (
    <span class="heat-names" aria-hidden="true">
      {Array.from({ length: rows }, (_, expert) => (
        <span key={expert}>{letterOf(expert)}</span>
      ))}
    </span>
  );
}

/** @param {{ parts: RouterParts }} props */
function WeightTable({ parts: { weight, bias, hypernetwork } }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Row</th>
          {Array.from({ length: weight.columns }, (_, i) => (
            <th scope="col" key={i}>
              {i + 1}
            </th>
          ))}
          <th scope="col">b</th>
        </tr>
      </thead>
      <tbody>
        {hypernetwork && (
          <tr>
            <th scope="row">v</th>
            {Array.from(hypernetwork.embedding.data, (x, i) => (
              <td key={i}>{number(x)}</td>
            ))}
            <td />
          </tr>
        )}
        {Array.from({ length: weight.rows }, (_, expert) => (
          <tr key={expert}>
            <th scope="row">R, expert {letterOf(expert)}</th>
            {Array.from(
              weight.data.subarray(expert * weight.columns, (expert + 1) * weight.columns),
              (x, i) => (
                <td key={i}>{number(x)}</td>
              ),
            )}
            <td>{number(bias.data[expert])}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** @param {Matrix} matrix */
function range({ data }) {
  return `${number(data.reduce((a, b) => Math.min(a, b), Infinity))} to ${number(data.reduce((a, b) => Math.max(a, b), -Infinity))}`;
}

/** @param {Matrix} matrix @returns {Matrix} */
const negative = (matrix) => ({ ...matrix, data: matrix.data.map((x) => -x) });

/**
 * @param {Matrix} weight [E, d]
 * @param {Matrix} bias [1, E]
 * @returns {Matrix} [E, d + 1]
 */
function withBias({ rows, columns, data }, bias) {
  const all = new Float32Array(rows * (columns + 1));
  for (let row = 0; row < rows; row++) {
    all.set(data.subarray(row * columns, (row + 1) * columns), row * (columns + 1));
    all[row * (columns + 1) + columns] = bias.data[row];
  }
  return { rows, columns: columns + 1, data: all };
}
