import { count } from '../format.js';

/**
 * @typedef {'learned' | 'frozen' | 'computed'} Fate what becomes of numbers in training
 */

/**
 * One part of the way to the scores: its symbol, what it is, whether it learns, and a picture of it.
 *
 * @param {object} props
 * @param {string} props.area of the diagram
 * @param {import('preact').ComponentChildren} props.symbol
 * @param {string} props.name
 * @param {Fate} props.fate
 * @param {number} props.size how many numbers
 * @param {import('preact').ComponentChildren} props.children
 */
export function Stage({ area, symbol, name, fate, size, children }) {
  return (
    <li class={`stage stage-${fate} area-${area}`}>
      <p class="stage-name">
        <b>{symbol}</b> {name}
        <span class="stage-facts">
          <FateMark of={fate} /> {fate}: {count(size)}
        </span>
      </p>
      {children}
    </li>
  );
}

/** @param {{ of: Fate }} props */
export function FateMark({ of }) {
  return (
    <svg class={`fate fate-${of}`} viewBox="0 0 14 14" aria-hidden="true">
      {of === 'frozen' ? (
        <path d="M2 6.5h10v6.5h-10zM4.2 6.5v-2.2a2.8 2.8 0 0 1 5.6 0v2.2" />
      ) : (
        <rect x="1.5" y="1.5" width="11" height="11" rx="1.5" />
      )}
    </svg>
  );
}

/**
 * What leads from one part to the next, and whether the gradient comes back the same way.
 *
 * @param {object} props
 * @param {string} props.area
 * @param {number} props.turn where it leads to: 0 to the right, 90 down, −90 up
 * @param {'flows' | 'ends' | 'none'} props.gradient ends: what comes before it learns nothing
 * @param {string} props.says the same in words
 */
export function Link({ area, turn, gradient, says }) {
  return (
    <li class={`link area-${area}`}>
      <svg viewBox="0 0 40 40" aria-hidden="true">
        <g transform={`rotate(${turn} 20 20)`}>
          <path class="link-on" d="M3 13h32m-6 -5l6 5l-6 5" />
          {gradient === 'flows' && <path class="link-back" d="M36 28h-24m0 -7l-9 7l9 7z" />}
          {gradient === 'ends' && <path class="link-end" d="M36 28h-16m0 -7v14" />}
        </g>
      </svg>
      <span class="unseen">{says}</span>
    </li>
  );
}

/** What the marks of the diagram mean. */
export function WayKey() {
  return (
    <ul class="key way-key">
      <li>
        <FateMark of="learned" /> learned
      </li>
      <li>
        <FateMark of="frozen" /> frozen: drawn at random once
      </li>
      <li>
        <FateMark of="computed" /> computed from what comes before
      </li>
      <li>
        <svg class="key-arrow" viewBox="0 8 40 40" aria-hidden="true">
          <path class="link-back" d="M36 28h-24m0 -7l-9 7l9 7z" />
        </svg>
        the gradient, where it flows
      </li>
      <li>
        <i class="heat-key" /> below 0, 0, above 0: the same colours in every run
      </li>
    </ul>
  );
}
