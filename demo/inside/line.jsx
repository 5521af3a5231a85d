import { fixed } from '../format.js';
import { Plot } from '../views/plot.jsx';

/**
 * A line chart over the steps, with a mark at the step that is shown.
 *
 * @param {object} props
 * @param {readonly number[]} props.steps
 * @param {readonly number[]} props.values
 * @param {[number, number]} props.range minimum range of the value axis
 * @param {number} props.now the step that is shown
 * @param {string} props.label what the chart shows, with numbers, for screen readers
 */
export function Line({ steps, values, range: [low, high], now, label }) {
  const at = steps.findLastIndex((step) => step <= now);
  const marks = at < 0 ? [] : [{ step: steps[at], value: values[at] }];
  const look = { colour: '--ink', width: 2, filled: true };
  return (
    <Plot
      lines={[{ label: '', look, steps, values, marks }]}
      range={(least, most) => [Math.min(low, least), Math.max(high, most)]}
      format={fixed}
      height={120}
      label={label}
    />
  );
}
