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
 * What one number of v moves: all of R at once, in a direction that the hypernetwork has fixed.
 *
 * @param {object} props
 * @param {import('./router.js').Generator} props.generator
 * @param {number} props.experts
 * @param {number} props.index of the number of v, counted from 0
 * @param {(index: number) => void} props.onIndex
 */
export function EffectView({ generator, experts, index, onIndex }) {
  const { columns: width } = generator.embedding;
  const at = Math.min(index, width - 1);
  const effect = useMemo(() => effectOf(generator, at, experts), [generator, at, experts]);
  return (
    <Figure
      title="What one number of v moves"
      name="effect"
      caption={
        `How R and b would change if number ${at + 1} of v grew by 1: all rows together, in a pattern that is fixed as ` +
        `long as the same numbers of h stay above 0. R has ${count(experts * width)} numbers, but only ${width} such patterns to move in. ` +
        'Choose another number here, or in v above.'
      }
      table={() => <EffectTable effect={effect} />}
      rows={() => effectRows(effect)}
    >
      <div class="field">
        <div class="field-line">
          <label for="effect-of">Number of v</label>
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
          label={`Change of R and b for number ${at + 1} of v: ${range(effect)}.`}
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
          <th scope="col">Number</th>
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
