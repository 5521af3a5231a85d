import {
  droppedShare,
  expertLoad,
  expertsPerToken,
  loadVariation,
  maxLoad,
  routerEntropy,
  tokensWithoutExpert,
} from 'hyperrouter-wasm';
import { fillOf, letterOf } from '../colours.js';
import { fixed, percent } from '../format.js';
import { gatingOf } from '../gates.js';
import { droppedOf } from '../routing.js';
import { Chip, Figure } from './figure.jsx';

/**
 * Expert load in every layer, as a table with a bar in each cell.
 *
 * @typedef {object} Routed the routing of a probe
 * @property {{ layers: number, experts: number, biases?: number[][] }} shape
 * @property {{ layers: import('../routing.js').LayerRouting[] }} views
 *
 * @param {object} props
 * @param {import('@preact/signals').ReadonlySignal<Routed | null>} props.routed
 * @param {import('../state.js').State} props.state
 * @param {string} [props.what] the tokens of the probe, in the plural
 * @param {boolean} [props.folded] whether the caption is shown only when it is asked for
 */
export function LoadView({ routed, state, what = 'tokens of the passage', folded = false }) {
  const probe = routed.value;
  if (!probe?.shape.layers) {
    return (
      <Figure title="Expert load" name="load">
        <p class="nothing">{probe ? 'A dense model has no experts.' : 'Available after the first step.'}</p>
      </Figure>
    );
  }
  const { experts, biases } = probe.shape;
  const { drops, varies } = gatingOf(state.schema, state.values.value);
  const largestBias = Math.max(...(biases ?? []).flat().map(Math.abs));
  const layers = probe.views.layers.map((routing, i) => {
    const { experts: chosen, weights, logits } = routing;
    const load = expertLoad(chosen, experts);
    const tokens = logits.length / experts;
    return {
      load,
      bias: biases?.[i],
      perToken: expertsPerToken(weights, tokens),
      dropped: droppedShare(chosen, droppedOf(routing, experts)),
      without: tokensWithoutExpert(weights, tokens),
      maxLoad: maxLoad(load),
      loadVariation: loadVariation(load),
      entropy: routerEntropy(logits, experts),
    };
  });
  // All bars have the same scale, so that layers can be compared; a full bar is at least twice an even load.
  const full = Math.max(2 / experts, ...layers.flatMap(({ load }) => [...load]));
  const even = (100 / experts / full).toFixed(2);
  const current = Number(state.get('layer')) - 1;
  return (
    <Figure
      title="Expert load"
      name="load"
      folded={folded}
      caption={
        `Share of the assignments that each expert gets, over all ${what}. The line marks an even load.` +
        (drops ? ' Assignments that are dropped count.' : '') +
        (biases ? ' β: the bias that balances, added to the scores for the choice alone.' : '')
      }
      rows={() => rowsOf(layers, { drops, varies })}
    >
      <table class={biases ? 'load has-biases' : 'load'}>
        <thead>
          <tr>
            <td />
            {layers.map((_, i) => (
              <th key={i} scope="col" class={i === current ? 'is-current' : ''}>
                {layers.length > 2 ? `L${i + 1}` : `Layer ${i + 1}`}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: experts }, (_, expert) => {
            const { fill, text } = fillOf(expert, experts, 1);
            return (
              <tr key={expert}>
                <th scope="row">
                  <Chip letter={letterOf(expert)} fill={fill} text={text} />
                </th>
                {layers.map(({ load, bias }, i) => (
                  <td key={i}>
                    <span class="load-bar">
                      <span style={{ width: `${(100 * load[expert]) / full}%`, background: fill }} />
                      <i style={{ left: `${even}%` }} />
                    </span>
                    <span class="load-number">{percent(load[expert])}</span>
                    {bias && <Bias value={bias[expert]} most={largestBias} />}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      <table class="measures">
        <tbody>
          <Measure
            name="Max load"
            help="largest load, in multiples of an even load: 1 (even) to E/K"
            values={layers.map((layer) => fixed(layer.maxLoad))}
          />
          <Measure
            name="Load variation"
            help="standard deviation of the load over its mean: 0 (even) to √(E/K − 1)"
            values={layers.map((layer) => fixed(layer.loadVariation))}
          />
          <Measure
            name="Router entropy"
            help="entropy of the router’s probabilities: 0 (certain) to 1 (uniform)"
            values={layers.map((layer) => fixed(layer.entropy))}
          />
          {(drops || varies) && (
            <Measure
              name="Experts per token"
              help="mean number of experts that compute a token"
              values={layers.map((layer) => fixed(layer.perToken))}
            />
          )}
          {drops && (
            <Measure
              name="Dropped"
              help="share of the assignments beyond the capacity of their expert"
              values={layers.map((layer) => percent(layer.dropped))}
            />
          )}
          {(drops || varies) && (
            <Measure
              name="Without expert"
              help="share of the tokens that no expert computes"
              values={layers.map((layer) => percent(layer.without))}
            />
          )}
        </tbody>
      </table>
    </Figure>
  );
}

/**
 * The bias of an expert: to the right of the middle where it is chosen more often for it, to the left where less.
 *
 * @param {{ value: number, most: number }} props
 */
function Bias({ value, most }) {
  const share = most > 0 ? (50 * Math.abs(value)) / most : 0;
  return (
    <span class="load-bias">
      <span class="load-bias-bar" aria-hidden="true">
        <i style={{ width: `${share}%`, [value < 0 ? 'right' : 'left']: '50%' }} />
      </span>
      <span class="load-bias-number">
        β {value > 0 ? '+' : ''}
        {fixed(value, 3)}
      </span>
    </span>
  );
}

/**
 * @typedef {object} LayerLoad
 * @property {Float32Array} load [E]
 * @property {number[] | undefined} bias [E]
 * @property {number} maxLoad
 * @property {number} loadVariation
 * @property {number} entropy
 * @property {number} perToken
 * @property {number} dropped
 * @property {number} without
 *
 * @param {readonly LayerLoad[]} layers
 * @param {{ drops: boolean, varies: boolean }} gating
 */
function rowsOf(layers, { drops, varies }) {
  const names = layers.map((_, i) => `layer ${i + 1}`);
  return [
    ['', ...names],
    ...Array.from(layers[0].load, (_, expert) => [
      letterOf(expert),
      ...layers.map(({ load }) => load[expert]),
    ]),
    ...(layers[0].bias
      ? Array.from(layers[0].bias, (_, expert) => [
          `β ${letterOf(expert)}`,
          ...layers.map(({ bias }) => bias?.[expert] ?? ''),
        ])
      : []),
    ['max load', ...layers.map((layer) => layer.maxLoad)],
    ['load variation', ...layers.map((layer) => layer.loadVariation)],
    ['router entropy', ...layers.map(({ entropy }) => entropy)],
    ...(drops || varies ? [['experts per token', ...layers.map(({ perToken }) => perToken)]] : []),
    ...(drops ? [['dropped', ...layers.map(({ dropped }) => dropped)]] : []),
    ...(drops || varies ? [['without expert', ...layers.map(({ without }) => without)]] : []),
  ];
}

/** @param {{ name: string, help: string, values: string[] }} props */
function Measure({ name, help, values }) {
  return (
    <tr title={help}>
      <th scope="row">
        {name} <small>{help}</small>
      </th>
      {values.map((value, i) => (
        <td key={i}>{value}</td>
      ))}
    </tr>
  );
}
