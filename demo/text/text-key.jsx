import { fillOf, letterOf, paper, tie } from '../colours.js';
import { percent } from '../format.js';
import { gatingOf } from '../gates.js';
import { isDropped } from '../routing.js';
import { cellsOf } from './cells.js';
import { unrouted } from './paint.js';

/**
 * The key to the colours of a text.
 *
 * @param {{ run: import('./run.js').TextRun, state: import('../state.js').State }} props
 */
export function TextKey({ run, state }) {
  const experts = run.probe.value?.shape.experts ?? Number(state.get('experts'));
  const several = (run.probe.value?.shape.topK ?? 2) > 1;
  const gating = gatingOf(state.schema, state.values.value);
  const { drops, varies } = gating;
  // No key where nothing is coloured.
  if (experts < 2 || run.probe.value?.shape.layers === 0) return null;
  if (state.get('layer') === 0) {
    const layers = run.probe.value?.shape.layers ?? Number(state.get('layers'));
    return (
      <ul class="key">
        <li>
          One stripe per layer, from layer 1 (top) to layer {layers}: the expert with the largest weight
        </li>
        {several && (
          <li>
            <i style={{ background: tie }} /> grey: two experts tied
          </li>
        )}
        {varies && <li>white, “{unrouted.unchosen}”: no expert</li>}
        {drops && <li>white, “{unrouted.dropped}”: dropped by all its experts</li>}
        <LooksAhead gating={gating} />
      </ul>
    );
  }
  const [first, second] = [fillOf(0, experts, 1), fillOf(1, experts, 1)];
  const pale = fillOf(0, experts, 0.4);
  const stripe = `linear-gradient(to top, ${second.fill} 6px, ${paper} 6px 7px, ${first.fill} 7px)`;
  return (
    <ul class="key">
      <li>
        <i style={{ background: first.fill }} /> colour: the expert with the largest weight
      </li>
      {several && (
        <li>
          <i style={{ background: stripe }} /> stripe: the second expert; its height is the weight
        </li>
      )}
      {several && Boolean(state.get('strength')) && (
        <li>
          <i style={{ background: pale.fill }} /> paler: more weight on other experts
        </li>
      )}
      {several && (
        <li>
          <i style={{ background: tie }} /> grey: two experts tied
        </li>
      )}
      {varies && (
        <li>
          <i class="key-hatched" /> hatched, “{unrouted.unchosen}”: no expert
        </li>
      )}
      {drops && (
        <li>
          <i class="key-hatched" /> hatched, “{unrouted.dropped}”: dropped by all its experts
        </li>
      )}
      {drops && several && (
        <li>
          <i class="key-cut" style={{ '--fill': first.fill }} /> dark corner: dropped by one of its experts
        </li>
      )}
      <LooksAhead gating={gating} />
    </ul>
  );
}

/**
 * Where experts choose among all characters, later ones too, the loss is not comparable with that of other gates.
 *
 * @param {{ gating: import('../gates.js').Gating }} props
 */
function LooksAhead({ gating: { amongTokens } }) {
  if (!amongTokens) return null;
  return (
    <li class="key-words looks-ahead">
      This gate looks ahead: whether a token gets an expert depends on the tokens after it. Its loss is not
      that of a causal model. Generated text cannot look ahead: there, each token gets its k experts of
      largest probability.
    </li>
  );
}

/** @param {{ run: import('./run.js').TextRun, state: import('../state.js').State }} props */
export function TextTable({ run, state }) {
  const probe = run.probe.value;
  const layer = Number(state.get('layer'));
  const routed = probe?.views.layers ?? [];
  const shown = layer ? routed.slice(layer - 1, layer) : routed;
  if (!probe || !shown.length) return <p class="nothing">No routing in this layer</p>;
  const { topK } = probe.shape;
  const ranks = Array.from({ length: Math.min(topK, layer ? 4 : 1) }, (_, k) => k);
  const columns = shown.flatMap((routing, i) =>
    ranks.map((k) => ({ routing, k, title: layer ? `Expert ${k + 1}, weight` : `Layer ${i + 1}, weight` })),
  );
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Token</th>
          {columns.map(({ title }) => (
            <th scope="col" key={title}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {cellsOf(probe.tokens, run.vocabulary.value.symbol).map(({ name }, row) => (
          <tr key={row}>
            <th scope="row">{name}</th>
            {columns.map(({ routing, k, title }) => (
              <td key={title}>{chosenInWords(routing, row * topK + k)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/**
 * @param {import('../routing.js').LayerRouting} routing
 * @param {number} at
 */
const chosenInWords = (routing, at) => {
  const { experts, weights } = routing;
  if (experts[at] < 0) return '–';
  return `${letterOf(experts[at])} ${isDropped(routing, at) ? 'dropped' : percent(weights[at])}`;
};
