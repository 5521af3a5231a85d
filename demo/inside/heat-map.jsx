import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { destination, drawHeat, number } from './heat.js';

/**
 * @typedef {import('./router.js').Matrix} Matrix
 * @typedef {import('./heat.js').Cell} Cell
 */

/**
 * A matrix as a heat map. Pointer and arrow keys select a value and show it. Screen readers see a slider: keys move from
 * value to value, and each is announced.
 *
 * @param {object} props
 * @param {Matrix} props.matrix
 * @param {number} props.reach the value of the darkest colour
 * @param {string} props.label what the matrix is, with its range
 * @param {(cell: Cell) => string} props.nameOf name of a value
 * @param {(cell: Cell) => string} [props.moreOf] a second line about it
 * @param {string} [props.kind] for styles
 * @param {Partial<Cell> | null} [props.line] a highlighted row or column
 * @param {(cell: Cell | null) => void} [props.onCursor] called with the selected cell
 */
export function HeatMap({ matrix, reach, label, nameOf, moreOf, kind = '', line, onCursor }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const cursor = useSignal(/** @type {Cell | null} */ (null));
  const said = useSignal('');
  const { rows, columns, data } = matrix;
  useLayoutEffect(() => {
    if (canvas.current) drawHeat(canvas.current, matrix, reach);
  }, [matrix, reach]);

  const valueAt = (/** @type {Cell} */ cell) => data[cell.row * columns + cell.column];
  const go = (/** @type {Cell | null} */ cell) => {
    // Triangular matrices have no values in the other half.
    const to = cell && Number.isNaN(valueAt(cell)) ? null : cell;
    cursor.value = to;
    onCursor?.(to);
    if (to) said.value = `${nameOf(to)}: ${number(valueAt(to))}. ${moreOf?.(to) ?? ''}`;
  };
  const at = cursor.value;
  const cell = at && at.row < rows && at.column < columns ? at : null;
  return (
    <div
      class={`heat ${kind}`}
      role="slider"
      aria-label={`${label} Arrow keys move from value to value.`}
      aria-valuemin={1}
      aria-valuemax={data.length}
      aria-valuenow={cell ? cell.row * columns + cell.column + 1 : 1}
      aria-valuetext={said.value || `${data.length} values`}
      tabIndex={0}
      onPointerMove={(event) => go(cellUnder(event, matrix))}
      onPointerDown={(event) => go(cellUnder(event, matrix))}
      onPointerLeave={(event) => {
        if (event.pointerType === 'mouse') go(null);
      }}
      onBlur={() => go(null)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') go(null);
        const to = destination(event.key, cell, matrix);
        if (!to) return;
        event.preventDefault();
        go(to);
      }}
    >
      <canvas ref={canvas} />
      {line && <i class="heat-line" style={lineBox(line, matrix)} />}
      {cell && (
        <>
          <i class="heat-cursor" style={cellBox(cell, matrix)} />
          <p class="heat-tip" style={tipPlace(cell, matrix)}>
            <span>{nameOf(cell)}</span> <b>{number(valueAt(cell))}</b>
            {moreOf && <small>{moreOf(cell)}</small>}
          </p>
        </>
      )}
    </div>
  );
}

const share = (/** @type {number} */ part, /** @type {number} */ whole) => `${(100 * part) / whole}%`;

/**
 * @param {Cell} cell
 * @param {Matrix} matrix
 */
function cellBox({ row, column }, { rows, columns }) {
  return {
    left: share(column, columns),
    top: share(row, rows),
    width: share(1, columns),
    height: share(1, rows),
  };
}

/**
 * @param {Partial<Cell>} line
 * @param {Matrix} matrix
 */
function lineBox({ row, column }, { rows, columns }) {
  return row === undefined
    ? { left: share(column ?? 0, columns), width: share(1, columns), top: 0, height: '100%' }
    : { top: share(row, rows), height: share(1, rows), left: 0, width: '100%' };
}

/**
 * Above the cell, and never beyond the edges of the heat map.
 *
 * @param {Cell} cell
 * @param {Matrix} matrix
 */
function tipPlace({ row, column }, { rows, columns }) {
  const left = share(column + 0.5, columns);
  return { left, bottom: `calc(100% - ${share(row, rows)} + 6px)`, transform: `translateX(-${left})` };
}

/**
 * @param {PointerEvent} event
 * @param {Matrix} matrix
 * @returns {Cell}
 */
function cellUnder(event, { rows, columns }) {
  const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
  const along = (/** @type {number} */ part, /** @type {number} */ count) =>
    Math.min(count - 1, Math.max(0, Math.floor(part * count)));
  return {
    row: along((event.clientY - box.top) / box.height, rows),
    column: along((event.clientX - box.left) / box.width, columns),
  };
}
