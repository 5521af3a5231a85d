import { routerProbabilities } from 'hyperrouter-wasm';
import { useMemo } from 'preact/hooks';
import { fillOf, letterOf } from '../colours.js';
import { percent } from '../format.js';
import { isDropped, outcomeOf } from '../routing.js';
import { looksUp } from '../stage/words.js';
import { Chip } from '../views/figure.jsx';
import { cellOf, cellsOf } from './cells.js';

/**
 * @typedef {import('./run.js').RoutedText} RoutedText
 */

/**
 * The routing of one character (router probabilities, chosen experts and their weights), and the predicted next
 * character.
 *
 * @param {object} props
 * @param {import('./pointed.js').Where} props.of the text
 * @param {import('@preact/signals').ReadonlySignal<RoutedText | null>} props.text
 * @param {Int32Array} props.tokens
 * @param {import('./cells.js').Symbols} props.symbols
 * @param {import('./pointed.js').Pointed} props.pointed
 * @param {import('../state.js').State} props.state
 */
export function Readout({ of, text, tokens, symbols, pointed, state }) {
  const routed = text.value;
  const cells = useMemo(() => cellsOf(tokens, symbols), [tokens, symbols]);
  const { cursor, hovered } = pointed.places[of];
  const index = Math.min(hovered.value ?? cursor.value, tokens.length - 1);
  const layer = Number(state.get('layer'));
  const row = routed ? index - routed.from : -1;
  const there = routed && row >= 0 && row < routed.shape.tokens;
  const layers = there ? routed.views.layers.map((routing, i) => ({ routing, number: i + 1 })) : [];
  const shown = layer ? layers.slice(layer - 1, layer) : layers;
  const fromTable = looksUp(state);
  const many = shown.length > 1 || (routed?.shape.experts ?? 0) > 8;
  return (
    <div class={many ? 'readout has-many' : 'readout'} id={`${of}-readout`}>
      <p class="readout-what">
        <span class="readout-glyph" aria-hidden="true">
          {cells[index]?.glyph.replace('\u00a0', '␣') || '…'}
        </span>
        <span>
          <strong>{cells[index]?.name}</strong>
          <br />
          <span class="readout-place">{`${index + 1} of ${tokens.length}`}</span>
        </span>
      </p>
      {routed && shown.length ? (
        <div class={shown.length > 1 ? 'readout-layers has-layers' : 'readout-layers'}>
          {shown.map(({ routing, number }) => (
            <Experts
              key={number}
              routing={routing}
              row={row}
              shape={routed.shape}
              layer={number}
              fromTable={fromTable}
            />
          ))}
        </div>
      ) : (
        <p class="readout-none">{reasonFor(routed, row, layer)}</p>
      )}
      {routed && routed.shape.predictions > 0 && row >= 0 && (
        <Next routed={routed} row={row} actual={tokens[index + 1]} symbols={symbols} />
      )}
    </div>
  );
}

/**
 * @param {RoutedText | null} routed
 * @param {number} row
 * @param {number} layer
 */
function reasonFor(routed, row, layer) {
  if (!routed) return 'Shown after the first step.';
  if (row < 0) return 'Part of the prompt. Routing is shown for generated tokens only.';
  const where = layer ? ` in layer ${layer}` : '';
  return `No router${where}: one network processes every token.`;
}

/** What the readout adds. @type {Record<import('../routing.js').Outcome, string>} */
const outcomeWords = {
  routed: '',
  partly: '×: dropped, the expert was full.',
  dropped: 'No expert computes it: its experts were full (×).',
  unchosen: 'No expert was chosen.',
};

/**
 * @param {object} props
 * @param {import('../routing.js').LayerRouting} props.routing
 * @param {number} props.row
 * @param {{ topK: number, experts: number }} props.shape
 * @param {number} props.layer
 * @param {string} [props.what] what is routed
 * @param {boolean} [props.fromTable] whether the router looks the experts up and has no probabilities
 */
export function Experts({ routing, row, shape, layer, what = 'token', fromTable = false }) {
  const { topK, experts } = shape;
  /** @type {Map<number, number>} */
  const chosen = new Map();
  const dropped = new Set();
  for (let i = row * topK; i < (row + 1) * topK; i++) {
    if (routing.experts[i] < 0) continue;
    chosen.set(routing.experts[i], routing.weights[i]);
    if (isDropped(routing, i)) dropped.add(routing.experts[i]);
  }
  const shares = fromTable
    ? Array.from({ length: experts }, (_, expert) => chosen.get(expert) ?? 0)
    : Array.from(routerProbabilities(routing.logits, experts, row));
  // Full height is a share of 30 %, or the largest one if that is higher.
  const full = Math.max(0.3, ...shares);
  return (
    <table class="readout-experts">
      <caption>
        {fromTable
          ? `The table’s experts for this ${what} (layer ${layer}).`
          : `Router probabilities for this ${what} (layer ${layer}). Outlined: chosen experts.`}
        {outcomeWords[outcomeOf(routing, row, topK)] && (
          <strong class="readout-outcome"> {outcomeWords[outcomeOf(routing, row, topK)]}</strong>
        )}
      </caption>
      <thead>
        <tr>
          <th scope="col">Expert</th>
          {shares.map((share, expert) => {
            const { fill, text } = fillOf(expert, experts, 1);
            return (
              <th
                key={expert}
                scope="col"
                class={`${chosen.has(expert) ? 'is-chosen' : ''} ${dropped.has(expert) ? 'is-dropped' : ''}`.trim()}
              >
                <span class="bar-space">
                  <span
                    class="bar"
                    style={{ height: `${Math.max(2, (share / full) * 100)}%`, background: fill }}
                  />
                </span>
                <Chip letter={letterOf(expert)} fill={fill} text={text} />
              </th>
            );
          })}
        </tr>
      </thead>
      <tbody>
        {!fromTable && (
          <tr>
            <th scope="row">Probability, %</th>
            {shares.map((p, expert) => (
              <td key={expert}>{Math.round(p * 100)}</td>
            ))}
          </tr>
        )}
        <tr class="readout-weights">
          <th scope="row">Weight, %</th>
          {shares.map((_, expert) => (
            <td key={expert}>
              {dropped.has(expert) ? (
                <>
                  <span aria-hidden="true">×</span>
                  <span class="unseen">dropped</span>
                </>
              ) : chosen.has(expert) ? (
                Math.round(Number(chosen.get(expert)) * 100)
              ) : (
                ''
              )}
            </td>
          ))}
        </tr>
      </tbody>
    </table>
  );
}

/**
 * The likeliest next tokens, with the actual one.
 *
 * @param {object} props
 * @param {RoutedText} props.routed
 * @param {number} props.row
 * @param {number | undefined} props.actual the actual next token
 * @param {import('./cells.js').Symbols} props.symbols
 * @param {string} [props.title] instead of a sentence that explains the list
 */
export function Next({ routed, row, actual, symbols, title }) {
  const { predictions } = routed.shape;
  const { next, nextProbabilities, losses } = routed.views;
  const likely = Array.from({ length: predictions }, (_, i) => ({
    token: next[row * predictions + i],
    p: nextProbabilities[row * predictions + i],
  })).filter(({ token }) => token >= 0);
  const missed =
    actual !== undefined && Number.isFinite(losses[row]) && !likely.some(({ token }) => token === actual);
  const rows = missed ? [...likely.slice(0, -1), { token: actual, p: Math.exp(-losses[row]) }] : likely;
  return (
    <div class="readout-next">
      {title ? (
        <p title="The likeliest next tokens. Framed: the actual one.">{title}</p>
      ) : (
        <p>Predicted next token{actual === undefined ? '.' : '. Framed: the actual one.'}</p>
      )}
      <ol>
        {rows.map(({ token, p }) => (
          <li key={token} class={token === actual ? 'is-actual' : ''}>
            <b>{cellOf(token, symbols).glyph}</b>
            <span class="meter">
              <span style={{ width: `${p * 100}%` }} />
            </span>
            <span>{percent(p)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
