import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { count } from '../format.js';
import { number, range, reaches } from './heat.js';
import { HeatMap } from './heat-map.jsx';
import { Pull } from './pull.jsx';
import { matrix, transposed } from './router.js';
import { RouterWeights } from './router-weights.jsx';
import { Link, Stage } from './stage.jsx';

/**
 * @typedef {import('./router.js').Matrix} Matrix
 * @typedef {import('./router.js').Generator} Generator
 *
 * @typedef {object} Place where the reader is, so that what belongs to it can be marked
 * @property {'v' | 'h' | 'out'} of
 * @property {number} index
 */

/**
 * From v to R: each frozen layer lies so that what goes in is along one side of it, and what comes out along another.
 *
 * @param {object} props
 * @param {import('./router.js').RouterParts & { generator: Generator, scores: import('./router.js').Linear }} props.parts
 * @param {boolean} props.flows whether the gradient does
 * @param {boolean} props.wide from left to right; else from top to bottom
 * @param {(index: number | null) => void} props.onEmbedding the number of v where the reader is
 */
export function HyperWay({ parts, flows, wide, onEmbedding }) {
  const { hypernetwork, embedding, hidden } = parts.generator;
  const { first, second } = hypernetwork;
  const place = useSignal(/** @type {Place | null} */ (null));
  const at = (/** @type {Place['of']} */ of) => (place.value?.of === of ? place.value.index : undefined);
  const pick = (/** @type {Place['of']} */ of, /** @type {number | undefined} */ index) => {
    place.value = index === undefined ? null : { of, index };
  };
  const active = hidden.data.filter((x) => x > 0).length;
  const width = parts.scores.weight.columns + 1;
  // What goes in lies above it or to its left, what comes out below or to its right.
  const secondPicture = useMemo(() => (wide ? transposed(second.weight) : second.weight), [wide, second]);
  const hiddenPicture = useMemo(() => matrix(hidden.data, wide ? hidden.columns : 1), [wide, hidden]);
  const hiddenAt = at('h');
  const gradient = flows ? 'flows' : 'none';
  const onward = wide ? 0 : 90;
  const secondLine = lineOf(wide, hiddenAt, at('out'));

  return (
    <>
      <li class="way-note area-note">
        The hypernetwork is as random as on its first day. Each number of <i>h</i> is a row of <i>H</i>₁ times{' '}
        <i>v</i>, and 0 where that is below 0; each number of <i>R</i> and <i>b</i> is a row of <i>H</i>₂
        times <i>h</i>. Point at a number, or go to it with the arrow keys, to see what it is made of.
      </li>
      <Stage
        area="v"
        symbol={<i>v</i>}
        name="the router’s embedding"
        fate="learned"
        size={embedding.data.length}
      >
        <HeatMap
          kind="heat-strip"
          matrix={embedding}
          reach={reaches.embedding}
          label={`The embedding v: ${embedding.columns} numbers, ${range(embedding)}.`}
          nameOf={embeddingName}
          onCursor={(cell) => {
            pick('v', cell?.column);
            onEmbedding(cell ? cell.column : null);
          }}
        />
        {parts.pull && <Pull kind="heat-pull" gradient={parts.pull.gradient} of="v" nameOf={embeddingName} />}
      </Stage>
      <Link
        area="v-first"
        turn={90}
        gradient={gradient}
        says={`v goes into the first layer; ${flows ? 'the gradient comes back to v, and moves it' : 'no gradient comes back'}.`}
      />
      <Stage
        area="first"
        symbol={
          <>
            <i>H</i>₁, <i>a</i>₁
          </>
        }
        name="first layer"
        fate="frozen"
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
        says="What is below 0 becomes 0; a gradient passes only where h is above 0."
      />
      <Stage area="hidden" symbol={<i>h</i>} name="after relu" fate="computed" size={hidden.data.length}>
        <HeatMap
          kind="heat-hidden"
          matrix={hiddenPicture}
          reach={reaches.hidden}
          label={`The hidden layer h: ${hidden.data.length} numbers, of which ${active} are above 0.`}
          nameOf={({ row, column }) => `h, number ${row + column + 1}`}
          moreOf={({ row, column }) =>
            hidden.data[row + column] > 0 ? '' : 'relu lets nothing through, and no gradient back'
          }
          onCursor={(cell) => pick('h', cell ? cell.row + cell.column : undefined)}
        />
        <p class="help">{count(active)} above 0</p>
      </Stage>
      <Link area="hidden-second" turn={onward} gradient={gradient} says="h goes into the second layer." />
      <Stage
        area="second"
        symbol={
          <>
            <i>H</i>₂, <i>a</i>₂
          </>
        }
        name="second layer"
        fate="frozen"
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
        says={`What comes out is cut into rows of ${width} numbers, one row for each expert.`}
      />
      <RouterWeights
        scores={parts.scores}
        fates={parts.fates}
        moreOf={({ row, column }) => madeOf(parts.generator, row * width + column)}
        onCursor={(cell) => pick('out', cell ? cell.row * width + cell.column : undefined)}
      />
    </>
  );
}

/** @param {import('./heat-map.jsx').Cell} cell */
const embeddingName = ({ column }) => `v, number ${column + 1}`;

/**
 * The row or column of the second layer that belongs to a number of h, or to one of its output.
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
 * How a number of R or b comes about.
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
    `the largest ${number(part(largest))} of h ${largest + 1}`
  );
}

/**
 * @param {string} symbol
 * @param {Matrix} weight
 */
const wallLabel = (symbol, { rows, columns }) =>
  `${symbol}: ${count(rows)} rows of ${count(columns)} random numbers that never change.`;
