import { useSignal } from '@preact/signals';
import { characterClassNames } from 'hyperrouter-wasm';
import { memo } from 'preact/compat';
import { fillOf, letterOf } from '../colours.js';
import { count, percent } from '../format.js';
import { Chip } from '../views/figure.jsx';

/**
 * @typedef {import('./profile.js').ClassRow} ClassRow
 * @typedef {import('./spotlight.js').Spot} Spot
 * @typedef {{ rows: ClassRow[], load: number[], tokens: number }} Table
 */

/** Classes with fewer characters are shown without a shade: they say little. */
const minTokens = 20;
/** Lifts from which a share counts as clearly larger, or clearly smaller, than the expert's load. */
const [highLift, lowLift] = [1.25, 0.8];

/**
 * Routing by character class. The area of a square is the expert's share of the class; its shade compares that share
 * with the expert's load. Pointing at a square or selecting it highlights its characters; arrow keys move among squares.
 * Rendered again only for a new table, not with every frame.
 */
export const ClassMatrix = memo(Matrix);

/**
 * @param {object} props
 * @param {Table} props.table
 * @param {number} props.layer counted from 1
 * @param {import('./spotlight.js').Spotlight} props.spotlight
 */
function Matrix({ table, layer, spotlight }) {
  const at = useSignal({ row: 0, column: 0 });
  const { rows, load } = table;
  const largest = Math.max(2 / load.length, ...rows.flatMap(({ shares }) => shares), ...load);
  const spotAt = (/** @type {number} */ row, /** @type {number} */ column) =>
    spotOf(rows[row]?.id, column < 0 ? undefined : column, layer);
  const props = (/** @type {number} */ row, /** @type {number} */ column) => {
    const spot = spotAt(row, column);
    return {
      'data-row': row,
      'data-column': column,
      tabIndex: at.value.row === row && at.value.column === column ? 0 : -1,
      'aria-selected': spot ? spotlight.isPressed(spot) : undefined,
    };
  };
  /** @param {EventTarget | null} target */
  const placeOf = (target) => {
    const cell = target instanceof Element ? target.closest('[data-row]') : null;
    return cell instanceof HTMLElement
      ? { row: Number(cell.dataset.row), column: Number(cell.dataset.column) }
      : undefined;
  };
  /** @param {EventTarget | null} target */
  const press = (target) => {
    const place = placeOf(target);
    const spot = place && spotAt(place.row, place.column);
    if (spot) spotlight.press(spot);
  };
  return (
    <div class="matrix">
      <table
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a grid is a table with keyboard navigation
        role="grid"
        aria-label={`Routing by character class, layer ${layer}. Arrow keys move; Enter shows only these tokens.`}
        onPointerOver={(event) => {
          if (event.pointerType !== 'mouse') return;
          const place = placeOf(event.target);
          if (place) at.value = place;
          spotlight.point((place && spotAt(place.row, place.column)) ?? null);
        }}
        onPointerLeave={() => spotlight.point(null)}
        onFocusIn={(event) => {
          at.value = placeOf(event.target) ?? at.value;
        }}
        onClick={(event) => press(event.target)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' || event.key === ' ') press(event.target);
          else if (event.key === 'Escape') spotlight.clear();
          else if (!moveFocus(event, placeOf(event.target), rows.length, load.length)) return;
          event.preventDefault();
        }}
      >
        <thead>
          <tr>
            <td />
            {load.map((_, expert) => {
              const { fill, text } = fillOf(expert, load.length, 1);
              return (
                <th key={expert} scope="col" {...props(-1, expert)} aria-label={`Expert ${letterOf(expert)}`}>
                  <Chip letter={letterOf(expert)} fill={fill} text={text} />
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={row.id}>
              <th scope="row" {...props(i, -1)}>
                {characterClassNames[row.id]}
              </th>
              {row.shares.map((share, expert) => (
                <td key={expert} {...props(i, expert)} aria-label={wordsFor(table, i, expert)}>
                  <i class={shadeOf(row, expert)} style={sizeOf(share, largest)} />
                </td>
              ))}
            </tr>
          ))}
          <tr class="matrix-all">
            <th scope="row" {...props(rows.length, -1)}>
              all
            </th>
            {load.map((share, expert) => (
              <td
                key={expert}
                {...props(rows.length, expert)}
                aria-label={wordsFor(table, rows.length, expert)}
              >
                <i class="is-same" style={sizeOf(share, largest)} />
              </td>
            ))}
          </tr>
        </tbody>
      </table>
      <p class="matrix-words">{wordsFor(table, at.value.row, at.value.column)}</p>
    </div>
  );
}

/**
 * @param {number | undefined} classId
 * @param {number | undefined} expert
 * @param {number} layer
 * @returns {Spot | undefined} undefined: all characters
 */
function spotOf(classId, expert, layer) {
  if (classId === undefined && expert === undefined) return undefined;
  return {
    ...(classId === undefined ? {} : { class: classId }),
    ...(expert === undefined ? {} : { layer, expert }),
  };
}

/**
 * @param {ClassRow} row
 * @param {number} expert
 */
function shadeOf({ tokens, lifts }, expert) {
  if (tokens < minTokens) return 'is-rare';
  if (lifts[expert] >= highLift) return 'is-more';
  return lifts[expert] <= lowLift ? 'is-less' : 'is-same';
}

/**
 * @param {number} share
 * @param {number} largest the share that fills a cell
 */
function sizeOf(share, largest) {
  // The area of a square is the share.
  return { '--side': Math.sqrt(share / largest).toFixed(3) };
}

/**
 * @param {Table} table
 * @param {number} row
 * @param {number} column
 */
function wordsFor({ rows, load, tokens }, row, column) {
  const kind = rows[row];
  const expert = column < 0 ? '' : letterOf(column);
  if (!kind) {
    if (!expert) return `${count(tokens)} tokens in total`;
    return `Expert ${expert}: ${percent(load[column])} of the load`;
  }
  const name = characterClassNames[kind.id];
  const few = kind.tokens < minTokens ? ' (too few to be reliable)' : '';
  if (!expert) return `${name}: ${count(kind.tokens)} of ${count(tokens)} tokens${few}`;
  const lift = kind.lifts[column].toFixed(1);
  return `${name}, expert ${expert}: ${percent(kind.shares[column])}, ${lift} times its load${few}`;
}

/**
 * @param {KeyboardEvent} event
 * @param {{ row: number, column: number } | undefined} place
 * @param {number} rows
 * @param {number} columns
 * @returns {boolean} whether the key moves
 */
function moveFocus({ key, currentTarget }, place, rows, columns) {
  const by = /** @type {Record<string, [number, number]>} */ ({
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    Home: [0, -columns],
    End: [0, columns],
  })[key];
  if (!by || !place) return false;
  const row = Math.max(-1, Math.min(rows, place.row + by[0]));
  const least = row < 0 ? 0 : -1;
  const column = Math.max(least, Math.min(columns - 1, place.column + by[1]));
  const cell = /** @type {Element} */ (currentTarget).querySelector(
    `[data-row="${row}"][data-column="${column}"]`,
  );
  /** @type {HTMLElement | null} */ (cell)?.focus();
  return true;
}

/**
 * The same as a table of numbers.
 *
 * @param {{ table: Table, layer: number }} props
 */
export function ClassTable({ table: { rows, load }, layer }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Layer {layer}</th>
          <th scope="col">Tokens</th>
          {load.map((_, expert) => (
            <th scope="col" key={expert}>
              {letterOf(expert)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ id, tokens, shares }) => (
          <tr key={id}>
            <th scope="row">{characterClassNames[id]}</th>
            <td>{count(tokens)}</td>
            {shares.map((share, expert) => (
              <td key={expert}>{percent(share)}</td>
            ))}
          </tr>
        ))}
        <tr>
          <th scope="row">all</th>
          <td>{count(rows.reduce((sum, { tokens }) => sum + tokens, 0))}</td>
          {load.map((share, expert) => (
            <td key={expert}>{percent(share)}</td>
          ))}
        </tr>
      </tbody>
    </table>
  );
}
