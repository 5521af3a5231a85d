import { useSignal, useSignalEffect } from '@preact/signals';
import { memo } from 'preact/compat';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { fillOf, letterOf, paper, tie } from '../colours.js';
import { percent } from '../format.js';
import { leadOf, tieGap } from '../measures.js';
import { cellsOf } from './cells.js';
import { Readout } from './readout.jsx';

/**
 * @typedef {import('./run.js').RoutedText} RoutedText
 * @typedef {import('./cells.js').Cell} Cell
 * @typedef {import('../state.js').State} State
 */

/** Height of the second expert's stripe in pixels, at the weight of one half, which is the most that it can have. */
const stripeHeight = 7;

/**
 * A text with every character on the colour of the expert that took it. The characters are a list of options: one
 * Tab stop, arrow keys move along it, and what hover shows they show too.
 *
 * @param {object} props
 * @param {string} props.id
 * @param {string} props.label
 * @param {import('@preact/signals').ReadonlySignal<RoutedText | null>} props.text
 * @param {Uint8Array} props.tokens shown even before there is any routing
 * @param {State} props.state
 */
export function RoutedTextView({ id, label, text, tokens, state }) {
  const list = useRef(/** @type {HTMLDivElement | null} */ (null));
  const cursor = useSignal(text.peek()?.from ?? 0);
  const hovered = useSignal(/** @type {number | null} */ (null));
  const cells = useMemo(() => cellsOf(tokens), [tokens]);
  const painted = useRef(/** @type {WeakMap<Element, string>} */ (new WeakMap()));

  const repaint = () => {
    const view = { layer: Number(state.get('layer')) - 1, strength: Boolean(state.get('strength')) };
    if (list.current) paint(list.current, text.value, view, painted.current);
  };
  useSignalEffect(repaint);
  // Characters that were added are there only now.
  useLayoutEffect(repaint, [tokens]);

  const shown = Math.min(hovered.value ?? cursor.value, tokens.length - 1);
  const move = (/** @type {number} */ to) => {
    cursor.value = Math.max(0, Math.min(tokens.length - 1, to));
    hovered.value = null;
    optionAt(list.current, cursor.value)?.scrollIntoView({ block: 'nearest' });
  };

  return (
    <>
      <div
        ref={list}
        id={id}
        class={state.get('letters') ? 'routed with-letters' : 'routed'}
        role="listbox"
        tabIndex={0}
        aria-label={`${label} Arrow keys move from character to character.`}
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
      <Readout id={`${id}-readout`} text={text} tokens={tokens} cells={cells} index={shown} state={state} />
    </>
  );
}

/**
 * The characters themselves. Drawn again only for another text: colours are set from outside.
 */
const Cells = memo(
  /** @param {{ id: string, cells: Cell[] }} props */
  ({ id, cells }) => (
    <>
      {linesOf(cells).map((words, i) => (
        <Line key={i} id={id} words={words} />
      ))}
    </>
  ),
);

/** @param {{ id: string, words: { start: number, cells: Cell[] }[] }} props */
function Line({ id, words }) {
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
              id={`${id}-${start + i}`}
              key={start + i}
            >
              {glyph}
            </span>
          ))}
        </span>
      ))}
      {words.at(-1)?.cells.at(-1)?.endsLine && <br />}
    </>
  );
}

/**
 * Words that stay together where lines are broken, gathered by the lines of the text itself.
 *
 * @param {Cell[]} cells
 */
function linesOf(cells) {
  const longest = 20;
  /** @type {{ start: number, cells: Cell[] }[][]} */
  const lines = [[]];
  let start = 0;
  cells.forEach(({ endsWord, endsLine }, i) => {
    const ends = endsWord || endsLine || i + 1 - start >= longest || i + 1 === cells.length;
    if (!ends) return;
    lines.at(-1)?.push({ start, cells: cells.slice(start, i + 1) });
    start = i + 1;
    if (endsLine) lines.push([]);
  });
  return lines;
}

/**
 * Marks the character that the readout is about, and gives it the name that a screen reader says: with its experts.
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
 * @param {number} layer counted from 1
 */
function expertsInWords(routed, index, layer) {
  const routing = routed?.views.layers[layer - 1];
  const row = routed ? index - routed.from : -1;
  if (!routed || !routing || row < 0 || row >= routed.shape.tokens) return '';
  const { topK } = routed.shape;
  const chosen = Array.from({ length: topK }, (_, k) => {
    const at = row * topK + k;
    return `${letterOf(routing.experts[at])} ${percent(routing.weights[at])}`;
  });
  return `, layer ${layer}: expert ${chosen.join(', ')}`;
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
 * Where a key leads to; undefined for keys that do not move.
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
 * The character above or below, as the text is broken on the screen now.
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

/**
 * Gives every character its colours.
 *
 * @param {HTMLElement} list
 * @param {RoutedText | null} routed
 * @param {{ layer: number, strength: boolean }} view
 * @param {WeakMap<Element, string>} painted what each character was painted with
 */
function paint(list, routed, view, painted) {
  const options = list.querySelectorAll('.cell');
  options.forEach((option, i) => {
    const look = lookOf(routed, i, view);
    const key = `${look.background} ${look.letter} ${look.text}`;
    if (painted.get(option) === key) return;
    painted.set(option, key);
    const { style, dataset } = /** @type {HTMLElement} */ (option);
    style.background = look.background;
    style.color = look.text;
    dataset.expert = look.letter;
  });
}

/**
 * @param {RoutedText | null} routed
 * @param {number} index of the character
 * @param {{ layer: number, strength: boolean }} view
 * @returns {{ background: string, text: string, letter: string }} empty: as the paper
 */
function lookOf(routed, index, view) {
  const plain = { background: '', text: '', letter: '' };
  const layer = routed?.views.layers[view.layer];
  const row = routed ? index - routed.from : -1;
  if (!routed || !layer || row < 0 || row >= routed.shape.tokens) return plain;
  const { topK, experts } = routed.shape;
  const [first, second] = [layer.experts[row * topK], layer.experts[row * topK + 1]];
  if (topK > 1) {
    const logits = layer.logits.subarray(row * experts, (row + 1) * experts);
    if (leadOf(logits[first], logits[second]) < tieGap)
      return { background: tie, text: '#000000', letter: '' };
  }
  const weight = layer.weights[row * topK];
  const { fill, text } = fillOf(first, experts, view.strength ? strengthOf(weight, topK) : 1);
  const letter = letterOf(first);
  if (topK < 2) return { background: fill, text, letter };
  const height = Math.round(2 * layer.weights[row * topK + 1] * stripeHeight);
  const stripe = fillOf(second, experts, 1).fill;
  if (height < 1) return { background: fill, text, letter };
  const edges = `${stripe} ${height}px, ${paper} ${height}px ${height + 1}px, ${fill} ${height + 1}px`;
  return { background: `linear-gradient(to top, ${edges})`, text, letter };
}

/**
 * How strong the colour is: the largest weight lies between 1/k and 1, and the palest must still be a colour.
 *
 * @param {number} weight of the first expert
 * @param {number} topK
 */
function strengthOf(weight, topK) {
  if (topK < 2) return 1;
  const share = (weight - 1 / topK) / (1 - 1 / topK);
  return 0.45 + 0.55 * share;
}
