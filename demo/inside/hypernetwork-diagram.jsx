import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { count } from '../format.js';
import { Link, Stage } from './diagram.jsx';
import { GradientRow } from './gradient-row.jsx';
import { number, range, reaches } from './heat.js';
import { HeatMap } from './heat-map.jsx';
import { matrix, transposed } from './router.js';
import { RouterWeights } from './router-weights.jsx';

/**
 * @typedef {import('./router.js').Matrix} Matrix
 * @typedef {import('./router.js').Generator} Generator
 *
 * @typedef {object} Place the selected value, whose row or column is highlighted
 * @property {'v' | 'h' | 'out'} of
 * @property {number} index
 */

/**
 * From v to R. Each frozen layer is turned so that its input lies along one side and its output along another.
 *
 * @param {object} props
 * @param {import('./router.js').RouterParts & { generator: Generator, scores: import('./router.js').Linear }} props.parts
 * @param {boolean} props.flows whether the gradient flows
 * @param {boolean} props.wide drawn from left to right instead of top to bottom
 * @param {(index: number | null) => void} props.onEmbedding called with the selected component of v
 */
export function HypernetworkDiagram({ parts, flows, wide, onEmbedding }) {
  const { hypernetwork, embedding, hidden } = parts.generator;
  const { first, second } = hypernetwork;
  const place = useSignal(/** @type {Place | null} */ (null));
  const at = (/** @type {Place['of']} */ of) => (place.value?.of === of ? place.value.index : undefined);
  const pick = (/** @type {Place['of']} */ of, /** @type {number | undefined} */ index) => {
    place.value = index === undefined ? null : { of, index };
  };
  const active = hidden.data.filter((x) => x > 0).length;
  const width = parts.scores.weight.columns + 1;
  // The input lies above or to the left, the output below or to the right.
  const secondPicture = useMemo(() => (wide ? transposed(second.weight) : second.weight), [wide, second]);
  const hiddenPicture = useMemo(() => matrix(hidden.data, wide ? hidden.columns : 1), [wide, hidden]);
  const hiddenAt = at('h');
  const gradient = flows ? 'flows' : 'none';
  const onward = wide ? 0 : 90;
  const secondLine = lineOf(wide, hiddenAt, at('out'));

  return (
    <>
      <li class="diagram-note area-note">
        The hypernetwork never changes: it is random and frozen. <i>h</i> = ReLU(<i>H</i>₁ <i>v</i> + <i>a</i>
        ₁), and <i>R</i> and <i>b</i> are <i>H</i>₂ <i>h</i> + <i>a</i>₂. Point at a value, or move to it with
        the arrow keys, to see what it is computed from.
      </li>
      <Stage
        area="v"
        symbol={<i>v</i>}
        name="router embedding"
        tensorRole="learned"
        size={embedding.data.length}
      >
        <HeatMap
          kind="heat-strip"
          matrix={embedding}
          reach={reaches.embedding}
          label={`The embedding v: ${embedding.columns} components, ${range(embedding)}.`}
          nameOf={embeddingName}
          onCursor={(cell) => {
            pick('v', cell?.column);
            onEmbedding(cell ? cell.column : null);
          }}
        />
        {parts.gradient && (
          <GradientRow kind="heat-gradient" gradient={parts.gradient.values} of="v" nameOf={embeddingName} />
        )}
      </Stage>
      <Link
        area="v-first"
        turn={90}
        gradient={gradient}
        says={`v is the input of the first layer; ${flows ? 'the gradient flows back and updates v' : 'no gradient flows back'}.`}
      />
      <Stage
        area="first"
        symbol={
          <>
            <i>H</i>₁, <i>a</i>₁
          </>
        }
        name="first layer"
        tensorRole="frozen"
        size={first.weight.data.length + first.bias.data.length}
      >
        <HeatMap
          kind="heat-wall"
          matrix={first.weight}
          reach={reaches.frozen}
          label={wallLabel('H₁', first.weight)}
          nameOf={({ row, column }) => `H₁, row ${row + 1}, column ${column + 1}`}
          line={
            hiddenAt !== undefined ? { row: hiddenAt } : at('v') !== undefined ? { column: at('v') } : null
          }
        />
      </Stage>
      <Link
        area="first-hidden"
        turn={onward}
        gradient={gradient}
        says="ReLU sets negative values to 0; the gradient flows back only where h is positive."
      />
      <Stage
        area="hidden"
        symbol={<i>h</i>}
        name="after ReLU"
        tensorRole="computed"
        size={hidden.data.length}
      >
        <HeatMap
          kind="heat-hidden"
          matrix={hiddenPicture}
          reach={reaches.hidden}
          label={`The hidden layer h: ${hidden.data.length} units, ${active} of them active.`}
          nameOf={({ row, column }) => `h, unit ${row + column + 1}`}
          moreOf={({ row, column }) =>
            hidden.data[row + column] > 0 ? '' : 'inactive: no output, no gradient'
          }
          onCursor={(cell) => pick('h', cell ? cell.row + cell.column : undefined)}
        />
        <p class="help">{count(active)} active</p>
      </Stage>
      <Link
        area="hidden-second"
        turn={onward}
        gradient={gradient}
        says="h is the input of the second layer."
      />
      <Stage
        area="second"
        symbol={
          <>
            <i>H</i>₂, <i>a</i>₂
          </>
        }
        name="second layer"
        tensorRole="frozen"
        size={second.weight.data.length + second.bias.data.length}
      >
        <HeatMap
          kind="heat-wall"
          matrix={secondPicture}
          reach={reaches.frozen}
          label={wallLabel('H₂', second.weight)}
          nameOf={({ row, column }) =>
            `H₂, row ${(wide ? column : row) + 1}, column ${(wide ? row : column) + 1}`
          }
          line={secondLine}
        />
      </Stage>
      <Link
        area="second-weights"
        turn={onward}
        gradient={gradient}
        says={`The output is reshaped into one row of ${width} values per expert.`}
      />
      <RouterWeights
        scores={parts.scores}
        roles={parts.roles}
        moreOf={({ row, column }) => madeOf(parts.generator, row * width + column)}
        onCursor={(cell) => pick('out', cell ? cell.row * width + cell.column : undefined)}
      />
    </>
  );
}

/** @param {import('./heat-map.jsx').Cell} cell */
const embeddingName = ({ column }) => `v, component ${column + 1}`;

/**
 * The row or column of the second layer that belongs to a unit of h, or to one of its outputs.
 *
 * @param {boolean} wide
 * @param {number | undefined} hidden
 * @param {number | undefined} output
 */
function lineOf(wide, hidden, output) {
  if (hidden !== undefined) return wide ? { row: hidden } : { column: hidden };
  if (output !== undefined) return wide ? { column: output } : { row: output };
  return null;
}

/**
 * What an entry of R or b is computed from.
 *
 * @param {Generator} generator
 * @param {number} index of the output
 */
function madeOf({ hypernetwork: { second }, hidden }, index) {
  const { columns, data } = second.weight;
  let largest = 0;
  const part = (/** @type {number} */ i) => data[index * columns + i] * hidden.data[i];
  for (let i = 1; i < columns; i++) if (Math.abs(part(i)) > Math.abs(part(largest))) largest = i;
  return (
    `row ${index + 1} of H₂ times h: ${count(columns)} products, ` +
    `largest: ${number(part(largest))}, from unit ${largest + 1}`
  );
}

/**
 * @param {string} symbol
 * @param {Matrix} weight
 */
const wallLabel = (symbol, { rows, columns }) =>
  `${symbol}: ${count(rows)} × ${count(columns)} random weights, frozen.`;
