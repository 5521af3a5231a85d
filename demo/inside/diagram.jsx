import { count } from '../format.js';

/**
 * @typedef {'learned' | 'frozen' | 'computed'} Role of a tensor in training
 */

/**
 * One stage on the way to the scores: symbol, name, role, size and picture.
 *
 * @param {object} props
 * @param {string} props.area grid area
 * @param {import('preact').ComponentChildren} props.symbol
 * @param {string} props.name
 * @param {Role} props.tensorRole
 * @param {number} props.size number of values
 * @param {import('preact').ComponentChildren} props.children
 */
export function Stage({ area, symbol, name, tensorRole, size, children }) {
  return (
    <li class={`stage stage-${tensorRole} area-${area}`}>
      <p class="stage-name">
        <b>{symbol}</b> {name}
        <span class="stage-facts">
          <RoleMark of={tensorRole} /> {tensorRole}: {count(size)}
        </span>
      </p>
      {children}
    </li>
  );
}

/** @param {{ of: Role }} props */
export function RoleMark({ of }) {
  return (
    <svg class={`role-mark role-mark-${of}`} viewBox="0 0 14 14" aria-hidden="true">
      {of === 'frozen' ? (
        <path d="M2 6.5h10v6.5h-10zM4.2 6.5v-2.2a2.8 2.8 0 0 1 5.6 0v2.2" />
      ) : (
        <rect x="1.5" y="1.5" width="11" height="11" rx="1.5" />
      )}
    </svg>
  );
}

/**
 * The arrow from one stage to the next, and whether the gradient flows back along it.
 *
 * @param {object} props
 * @param {string} props.area
 * @param {number} props.turn direction in degrees: 0 right, 90 down, −90 up
 * @param {'flows' | 'ends' | 'none'} props.gradient ends: nothing before it learns
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

/** The key of the diagram. */
export function DiagramKey() {
  return (
    <ul class="key diagram-key">
      <li>
        <RoleMark of="learned" /> learned
      </li>
      <li>
        <RoleMark of="frozen" /> frozen: random, never updated
      </li>
      <li>
        <RoleMark of="computed" /> computed from the previous stage
      </li>
      <li>
        <svg class="key-arrow" viewBox="0 8 40 40" aria-hidden="true">
          <path class="link-back" d="M36 28h-24m0 -7l-9 7l9 7z" />
        </svg>
        gradient flow
      </li>
      <li>
        <i class="heat-key" /> negative, 0, positive: same scale in every run
      </li>
    </ul>
  );
}
