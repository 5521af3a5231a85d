import { ticksOf } from './numbers.js';

/**
 * @typedef {object} Row
 * @property {string} label
 * @property {number | null} mean
 * @property {number | null} low of the interval; null: there is none
 * @property {number | null} high
 * @property {{ low: number | null, high: number | null }} [wider] the same, corrected for the number of comparisons
 * @property {readonly number[]} points one for each seed
 * @property {string} text the numbers
 */

/** Of the range, on either side. */
const margin = 0.06;

/**
 * Means as dots with their intervals, and a small dot for each seed, one row for each variant.
 *
 * @param {object} props
 * @param {readonly Row[]} props.rows
 * @param {boolean} [props.zero] whether 0 is marked
 * @param {(value: number) => string} props.format of the axis
 * @param {string} props.label a summary with numbers, for screen readers
 */
export function Dots({ rows, zero = false, format, label }) {
  const values = rows.flatMap(({ mean, low, high, wider, points }) =>
    [mean, low, high, wider?.low, wider?.high, ...points].filter((value) => typeof value === 'number'),
  );
  if (zero) values.push(0);
  if (!values.length) return <p class="help">There is nothing to show yet.</p>;
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const pad = (most - least || Math.abs(most) || 1) * margin;
  const [from, to] = [least - pad, most + pad];
  const at = (/** @type {number} */ value) => `${((100 * (value - from)) / (to - from)).toFixed(2)}%`;
  const ticks = ticksOf(from, to);
  return (
    <div class="dots" role="img" aria-label={label}>
      {rows.map((row) => (
        <div class="dots-row" key={row.label}>
          <span class="dots-name">{row.label}</span>
          <span class="dots-text">{row.text}</span>
          <svg class="dots-track" aria-hidden="true">
            {ticks.map((tick) => (
              <line key={tick} class="dots-grid" x1={at(tick)} x2={at(tick)} y1="0%" y2="100%" />
            ))}
            {zero && <line class="dots-zero" x1={at(0)} x2={at(0)} y1="0%" y2="100%" />}
            <Span at={at} interval={row.wider} kind="dots-wider" />
            <Span at={at} interval={row} kind="dots-interval" />
            {row.points.map((point, i) => (
              <circle key={i} class="dots-seed" cx={at(point)} cy="50%" r="2.5" />
            ))}
            {row.mean !== null && <circle class="dots-mean" cx={at(row.mean)} cy="50%" r="4.5" />}
          </svg>
        </div>
      ))}
      <div class="dots-row dots-axis">
        <span class="dots-track">
          {ticks.map((tick) => (
            <span key={tick} style={{ left: at(tick) }}>
              {format(tick)}
            </span>
          ))}
        </span>
      </div>
    </div>
  );
}

/**
 * @param {object} props
 * @param {(value: number) => string} props.at
 * @param {{ low: number | null, high: number | null }} [props.interval]
 * @param {string} props.kind class
 */
function Span({ at, interval, kind }) {
  const { low = null, high = null } = interval ?? {};
  if (low === null || high === null) return null;
  return <line class={kind} x1={at(low)} x2={at(high)} y1="50%" y2="50%" />;
}
