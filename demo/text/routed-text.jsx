import { useSignalEffect } from '@preact/signals';
import { memo } from 'preact/compat';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { letterOf } from '../colours.js';
import { onDrawWhole } from '../export/vector.js';
import { percent } from '../format.js';
import { isDropped } from '../routing.js';
import { cellsOf } from './cells.js';
import { paint, whole } from './paint.js';

/**
 * @typedef {import('./run.js').RoutedText} RoutedText
 * @typedef {import('./cells.js').Cell} Cell
 * @typedef {import('../state.js').State} State
 */

/** Texts with shorter lines on average are not broken at their line breaks. */
const shortLine = 24;

/**
 * A text with every character on the colour of its chosen expert. The characters form a listbox: one tab stop, arrow keys
 * move in it and show the same as the pointer.
 *
 * @param {object} props
 * @param {import('./pointed.js').Where} props.id
 * @param {string} props.label
 * @param {import('@preact/signals').ReadonlySignal<RoutedText | null>} props.text
 * @param {Int32Array} props.tokens shown even before there is routing
 * @param {import('./cells.js').Symbols} props.symbols what the tokens stand for
 * @param {State} props.state
 * @param {import('@preact/signals').ReadonlySignal<Uint8Array | null>} [props.lit] the highlighted
 *   characters; the others are dimmed. null: all
 * @param {import('./pointed.js').Pointed} props.pointed
 * @param {import('@preact/signals').ReadonlySignal<string>} [props.status] of the run. While it trains, what is out of
 *   sight waits: the next picture comes soon
 */
export function RoutedTextView({ id, label, text, tokens, symbols, state, lit, pointed, status }) {
  const list = useRef(/** @type {HTMLDivElement | null} */ (null));
  const { cursor, hovered } = pointed.places[id];
  // A generated text begins after its prompt, of which no routing is known.
  useMemo(() => {
    cursor.value = text.peek()?.from ?? 0;
  }, [cursor]);
  const cells = useMemo(() => cellsOf(tokens, symbols), [tokens, symbols]);
  const painted = useRef(/** @type {WeakMap<Element, string>} */ (new WeakMap()));
  const seen = useRef(whole);
  /** What all characters were painted for. */
  const looked = useRef(/** @type {unknown[]} */ ([]));

  const repaint = (all = false) => {
    const look = {
      layer: Number(state.get('layer')),
      strength: Boolean(state.get('strength')),
      letters: Boolean(state.get('letters')),
      lit: lit?.value ?? null,
    };
    if (!list.current) return;
    const { layers, experts, topK } = text.value?.shape ?? {};
    const kind = [...Object.values(look), layers, experts, topK];
    const same = kind.every((value, i) => value === looked.current[i]);
    looked.current = kind;
    const part = status?.value === 'running' && same && !all ? seen.current : whole;
    paint(list.current, text.value, look, painted.current, part);
  };
  useSignalEffect(() => repaint());
  // Added characters are rendered only now.
  useLayoutEffect(() => repaint(), [cells]);
  useEffect(() => {
    if (!status || !list.current) return;
    const element = list.current;
    const look = () => {
      seen.current = inSight(element);
      // At rest, all are painted.
      if (status.peek() === 'running') repaint();
    };
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    const end = onDrawWhole(() => repaint(true));
    return () => {
      end();
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [status, cells]);

  const move = (/** @type {number} */ to) => {
    pointed.choose(id);
    cursor.value = Math.max(0, Math.min(tokens.length - 1, to));
    hovered.value = null;
    optionAt(list.current, cursor.value)?.scrollIntoView({ block: 'nearest' });
  };

  return (
    <div
      ref={list}
      id={id}
      class={['routed', state.get('letters') && 'with-letters', state.get('layer') === 0 && 'with-stripes']
        .filter(Boolean)
        .join(' ')}
      role="listbox"
      tabIndex={0}
      aria-label={`${label} Arrow keys move from token to token.`}
      aria-describedby={`${id}-readout`}
      aria-activedescendant={`${id}-${cursor.value}`}
      onPointerOver={(event) => {
        const index = indexOf(event.target);
        if (event.pointerType === 'mouse' && index !== null) hovered.value = index;
      }}
      onPointerLeave={() => {
        hovered.value = null;
      }}
      onClick={(event) => {
        const index = indexOf(event.target);
        if (index !== null) move(index);
      }}
      onKeyDown={(event) => {
        const to = destination(event.key, cursor.value, tokens.length, list.current);
        if (to === undefined) return;
        event.preventDefault();
        move(to);
      }}
    >
      <Cells id={id} cells={cells} />
      <Marks list={list} cursor={cursor} hovered={hovered} cells={cells} text={text} state={state} />
    </div>
  );
}

/**
 * The characters. Rendered again only for another text: `paint` sets the colours.
 */
const Cells = memo(
  /** @param {{ id: string, cells: Cell[] }} props */
  ({ id, cells }) => (
    <>
      {linesOf(cells).map((words, i, all) => (
        <Line key={i} id={id} words={words} breaks={i < all.length - 1} />
      ))}
    </>
  ),
);

/** @param {{ id: string, words: { start: number, cells: Cell[] }[], breaks: boolean }} props */
function Line({ id, words, breaks }) {
  return (
    <>
      {words.map(({ start, cells }) => (
        <span class="word" role="presentation" key={start}>
          {cells.map(({ glyph, name, endsLine }, i) => (
            // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, and names its active option
            <span
              class={glyph ? (endsLine ? 'cell cell-break' : 'cell') : 'cell cell-more'}
              role="option"
              aria-selected="false"
              aria-label={name === glyph ? undefined : name}
              // A piece of a word is as wide as its characters.
              style={[...glyph].length > 1 ? { width: `${[...glyph].length * 0.6 + 0.25}em` } : undefined}
              id={`${id}-${start + i}`}
              key={start + i}
            >
              {glyph}
            </span>
          ))}
        </span>
      ))}
      {breaks && <br />}
    </>
  );
}

/**
 * The lines of the text, each split into words that are not broken.
 *
 * @param {Cell[]} cells
 */
function linesOf(cells) {
  const longest = 20;
  const breaks = cells.filter(({ endsLine }) => endsLine).length;
  // Short lines would make a long column; they run on, with a visible sign for each line break.
  const runsOn = breaks * shortLine > cells.length;
  /** @type {{ start: number, cells: Cell[] }[][]} */
  const lines = [[]];
  let start = 0;
  cells.forEach(({ endsWord, endsLine }, i) => {
    const ends = endsWord || endsLine || i + 1 - start >= longest || i + 1 === cells.length;
    if (!ends) return;
    lines.at(-1)?.push({ start, cells: cells.slice(start, i + 1) });
    start = i + 1;
    if (endsLine && !runsOn) lines.push([]);
  });
  return lines;
}

/**
 * Marks the character of the readout, and adds its experts to its accessible name.
 *
 * @param {object} props
 * @param {{ current: HTMLElement | null }} props.list
 * @param {import('@preact/signals').Signal<number>} props.cursor
 * @param {import('@preact/signals').Signal<number | null>} props.hovered
 * @param {Cell[]} props.cells
 * @param {import('@preact/signals').ReadonlySignal<RoutedText | null>} props.text
 * @param {State} props.state
 */
function Marks({ list, cursor, hovered, cells, text, state }) {
  const at = Math.min(hovered.value ?? cursor.value, cells.length - 1);
  const words = `${cells[at]?.name}${expertsInWords(text.value, at, Number(state.get('layer')))}`;
  useLayoutEffect(() => {
    const option = optionAt(list.current, at);
    for (const old of list.current?.querySelectorAll('[aria-selected="true"]') ?? []) {
      if (old === option) continue;
      old.setAttribute('aria-selected', 'false');
      old.setAttribute('aria-label', cells[indexOf(old) ?? 0]?.name ?? '');
    }
    option?.setAttribute('aria-selected', 'true');
    option?.setAttribute('aria-label', words);
  });
  return null;
}

/**
 * @param {RoutedText | null} routed
 * @param {number} index of the character
 * @param {number} layer counted from 1; 0: all
 */
function expertsInWords(routed, index, layer) {
  const row = routed ? index - routed.from : -1;
  if (!routed || row < 0 || row >= routed.shape.tokens) return '';
  const { topK } = routed.shape;
  return routed.views.layers
    .map(({ experts, weights }, i) => {
      if (layer && layer !== i + 1) return '';
      const chosen = Array.from({ length: topK }, (_, k) => row * topK + k)
        .filter((at) => experts[at] >= 0)
        .map(
          (at) =>
            `${letterOf(experts[at])} ${isDropped({ experts, weights }, at) ? 'dropped' : percent(weights[at])}`,
        );
      return `, layer ${i + 1}: ${chosen.length ? `expert ${chosen.join(', ')}` : 'no expert'}`;
    })
    .join('');
}

/**
 * @param {HTMLElement | null} list
 * @param {number} index
 */
function optionAt(list, index) {
  return list ? document.getElementById(`${list.id}-${index}`) : null;
}

/** @param {EventTarget | null} target */
function indexOf(target) {
  const cell = target instanceof Element ? target.closest('.cell') : null;
  return cell ? Number(cell.id.slice(cell.id.lastIndexOf('-') + 1)) : null;
}

/**
 * The characters of a list that are in sight where it scrolls.
 *
 * @param {HTMLElement} list
 * @returns {import('./paint.js').Part}
 */
function inSight(list) {
  const cells = list.querySelectorAll('.cell');
  const { top, bottom } = list.getBoundingClientRect();
  // Characters follow each other down the lines.
  const first = (/** @type {(box: DOMRect) => boolean} */ is) => {
    let [from, to] = [0, cells.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (is(cells[middle].getBoundingClientRect())) to = middle;
      else from = middle + 1;
    }
    return from;
  };
  return { from: first((box) => box.bottom > top), to: first((box) => box.top >= bottom) };
}

/**
 * The character that a key moves to; undefined for other keys.
 *
 * @param {string} key
 * @param {number} from
 * @param {number} length
 * @param {HTMLElement | null} list
 */
function destination(key, from, length, list) {
  switch (key) {
    case 'ArrowLeft':
      return from - 1;
    case 'ArrowRight':
      return from + 1;
    case 'Home':
      return 0;
    case 'End':
      return length - 1;
    case 'ArrowUp':
      return onNextLine(list, from, -1) ?? from;
    case 'ArrowDown':
      return onNextLine(list, from, 1) ?? from;
    default:
      return undefined;
  }
}

/**
 * The character above or below on the screen.
 *
 * @param {HTMLElement | null} list
 * @param {number} from
 * @param {1 | -1} direction
 */
function onNextLine(list, from, direction) {
  const start = optionAt(list, from)?.getBoundingClientRect();
  if (!start) return undefined;
  const middle = start.left + start.width / 2;
  let best;
  let bestDistance = Infinity;
  /** @type {number | undefined} */
  let top;
  for (let i = from + direction; ; i += direction) {
    const box = optionAt(list, i)?.getBoundingClientRect();
    if (!box || (top !== undefined && Math.abs(box.top - top) > 2)) return best;
    if (Math.abs(box.top - start.top) <= 2) continue;
    top = box.top;
    const distance = Math.abs(box.left + box.width / 2 - middle);
    if (distance < bestDistance) {
      best = i;
      bestDistance = distance;
    }
  }
}
