import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { drawHeat } from './heat.js';

/** @typedef {import('./router.js').Matrix} Matrix */

/** @param {number} value */
export const number = (value) =>
  (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)).replace('-', '−');

/**
 * A matrix as a picture, whose numbers are told on request: under the pointer, or where the arrow keys have led.
 *
 * @param {object} props
 * @param {Matrix} props.matrix
 * @param {number} props.reach the value of the darkest colour
 * @param {string} props.label what it is, for those who do not see it
 * @param {(row: number, column: number) => string} props.nameOf what a cell is called
 * @param {string} [props.kind] for styles
 */
export function HeatMap({ matrix, reach, label, nameOf, kind = '' }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const cursor = useSignal(/** @type {{ row: number, column: number } | null} */ (null));
  const { rows, columns, data } = matrix;
  useLayoutEffect(() => {
    if (canvas.current) drawHeat(canvas.current, matrix, reach);
  }, [matrix, reach]);
  const at = cursor.value;
  const inside = at && at.row < rows && at.column < columns ? at : null;
  const words = inside
    ? `${nameOf(inside.row, inside.column)}: ${number(data[inside.row * columns + inside.column])}`
    : '';
  return (
    <div class={`heat ${kind}`}>
      <div
        class="heat-plate"
        role="application"
        aria-label={`${label} Arrow keys go from number to number.`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move over the matrix
        tabIndex={0}
        onPointerMove={(event) => {
          cursor.value = cellUnder(event, matrix);
        }}
        onPointerDown={(event) => {
          cursor.value = cellUnder(event, matrix);
        }}
        onPointerLeave={(event) => {
          if (event.pointerType === 'mouse') cursor.value = null;
        }}
        onBlur={() => {
          cursor.value = null;
        }}
        onKeyDown={(event) => {
          const to = moved(event.key, cursor.value, matrix);
          if (!to) return;
          event.preventDefault();
          cursor.value = to;
        }}
      >
        <canvas ref={canvas} role="img" aria-label={label} />
        {inside && <i class="heat-cursor" style={placeOf(inside, matrix)} />}
      </div>
      <p class="heat-words" role="status">
        {words}
      </p>
    </div>
  );
}

/**
 * @param {{ row: number, column: number }} cell
 * @param {Matrix} matrix
 */
function placeOf({ row, column }, { rows, columns }) {
  return {
    left: `${(100 * column) / columns}%`,
    top: `${(100 * row) / rows}%`,
    width: `${100 / columns}%`,
    height: `${100 / rows}%`,
  };
}

/**
 * @param {PointerEvent} event
 * @param {Matrix} matrix
 */
function cellUnder(event, { rows, columns }) {
  const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
  const along = (/** @type {number} */ share, /** @type {number} */ count) =>
    Math.min(count - 1, Math.max(0, Math.floor(share * count)));
  return {
    row: along((event.clientY - box.top) / box.height, rows),
    column: along((event.clientX - box.left) / box.width, columns),
  };
}

/**
 * @param {string} key
 * @param {{ row: number, column: number } | null} from
 * @param {Matrix} matrix
 * @returns {{ row: number, column: number } | undefined} undefined for keys that do not move
 */
function moved(key, from, { rows, columns }) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const step = steps[/** @type {keyof typeof steps} */ (key)];
  if (!step) return undefined;
  if (!from) return { row: 0, column: 0 };
  const within = (/** @type {number} */ value, /** @type {number} */ count) =>
    Math.min(count - 1, Math.max(0, value));
  return { row: within(from.row + step[0], rows), column: within(from.column + step[1], columns) };
}
