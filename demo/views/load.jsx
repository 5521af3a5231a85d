import { expertLoad, loadVariation, maxLoad, routerEntropy } from 'hyperrouter-wasm';
import { fillOf, letterOf } from '../colours.js';
import { fixed, percent } from '../format.js';
import { Chip, Figure } from './figure.jsx';

/**
 * Expert load in every layer, as a table with a bar in each cell.
 *
 * @typedef {object} Routed the routing of a probe
 * @property {{ layers: number, experts: number }} shape
 * @property {{ layers: import('../routing.js').LayerRouting[] }} views
 *
 * @param {object} props
 * @param {import('@preact/signals').ReadonlySignal<Routed | null>} props.routed
 * @param {import('../state.js').State} props.state
 * @param {string} [props.what] the tokens of the probe, in the plural
 */
export function LoadView({ routed, state, what = 'characters of the passage' }) {
  const probe = routed.value;
  if (!probe?.shape.layers) {
    return (
      <Figure title="Expert load" name="load">
        <p class="nothing">{probe ? 'A dense model has no experts.' : 'Available after the first step.'}</p>
      </Figure>
    );
  }
  const { experts } = probe.shape;
  const layers = probe.views.layers.map(({ experts: chosen, logits }) => {
    const load = expertLoad(chosen, experts);
    return {
      load,
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
      caption={`Share of the assignments that each expert gets, over all ${what}. The line marks an even load.`}
      rows={() => rowsOf(layers)}
    >
      <table class="load">
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
                {layers.map(({ load }, i) => (
                  <td key={i}>
                    <span class="load-bar">
                      <span style={{ width: `${(100 * load[expert]) / full}%`, background: fill }} />
                      <i style={{ left: `${even}%` }} />
                    </span>
                    <span class="load-number">{percent(load[expert])}</span>
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
        </tbody>
      </table>
    </Figure>
  );
}

/** @param {readonly { load: Float32Array, maxLoad: number, loadVariation: number, entropy: number }[]} layers */
function rowsOf(layers) {
  const names = layers.map((_, i) => `layer ${i + 1}`);
  return [
    ['', ...names],
    ...Array.from(layers[0].load, (_, expert) => [
      letterOf(expert),
      ...layers.map(({ load }) => load[expert]),
    ]),
    ['max load', ...layers.map((layer) => layer.maxLoad)],
    ['load variation', ...layers.map((layer) => layer.loadVariation)],
    ['router entropy', ...layers.map(({ entropy }) => entropy)],
  ];
}

/** @param {{ name: string, help: string, values: string[] }} props */
function Measure({ name, help, values }) {
  return (
    <tr>
      <th scope="row">
        {name} <small>{help}</small>
      </th>
      {values.map((value, i) => (
        <td key={i}>{value}</td>
      ))}
    </tr>
  );
}
