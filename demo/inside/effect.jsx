import { useMemo } from 'preact/hooks';
import { letterOf } from '../colours.js';
import { count, fixed } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { range, reaches } from './heat.js';
import { HeatMap } from './heat-map.jsx';
import { effectOf } from './router.js';
import { ByExpert, weightName } from './router-weights.jsx';
import { effectRows } from './rows.js';

/**
 * How one component of v changes R: all rows at once, in a direction that the hypernetwork fixes.
 *
 * @param {object} props
 * @param {import('./router.js').Generator} props.generator
 * @param {number} props.experts
 * @param {number} props.index of the component of v, from 0
 * @param {(index: number) => void} props.onIndex
 */
export function EffectView({ generator, experts, index, onIndex }) {
  const { columns: width } = generator.embedding;
  const at = Math.min(index, width - 1);
  const effect = useMemo(() => effectOf(generator, at, experts), [generator, at, experts]);
  return (
    <Figure
      title="Effect of one component of v on R and b"
      name="effect"
      caption={
        `Change of R and b per unit of component ${at + 1} of v. It changes all rows together, in a pattern that stays the same as ` +
        `long as the same components of h are positive. R has ${count(experts * width)} entries, but only ${width} such patterns to move along. ` +
        'Choose another component here or in v above.'
      }
      table={() => <EffectTable effect={effect} />}
      rows={() => effectRows(effect)}
    >
      <div class="field">
        <div class="field-line">
          <label for="effect-of">Component of v</label>
          <output for="effect-of">{at + 1}</output>
        </div>
        <input
          id="effect-of"
          type="range"
          min={1}
          max={width}
          value={at + 1}
          onInput={(event) => onIndex(Number(event.currentTarget.value) - 1)}
        />
      </div>
      <ByExpert experts={experts}>
        <HeatMap
          kind="heat-matrix"
          matrix={effect}
          reach={reaches.effect}
          label={`Effect of component ${at + 1} of v on R and b: ${range(effect)}.`}
          nameOf={(cell) => `change of ${weightName(width)(cell)}`}
        />
      </ByExpert>
    </Figure>
  );
}

/** @param {{ effect: import('./router.js').Matrix }} props */
function EffectTable({ effect: { rows, columns, data } }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Component</th>
          {Array.from({ length: rows }, (_, expert) => (
            <th scope="col" key={expert}>
              {letterOf(expert)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {Array.from({ length: columns }, (_, i) => (
          <tr key={i}>
            <th scope="row">{i === columns - 1 ? 'b' : count(i + 1)}</th>
            {Array.from({ length: rows }, (_, expert) => (
              <td key={expert}>{fixed(data[expert * columns + i], 4)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
