import { useMemo } from 'preact/hooks';
import { number, range } from './heat.js';
import { HeatMap } from './heat-map.jsx';
import { matrix } from './router.js';

/**
 * The negative gradient of the last step: the direction in which it moves the parameters.
 *
 * @param {object} props
 * @param {import('./router.js').Matrix} props.gradient
 * @param {string} props.of
 * @param {(cell: import('./heat-map.jsx').Cell) => string} props.nameOf
 * @param {string} props.kind for styles
 */
export function GradientRow({ gradient, of, nameOf, kind }) {
  const negative = useMemo(
    () =>
      matrix(
        gradient.data.map((x) => -x),
        gradient.rows,
      ),
    [gradient],
  );
  const most = gradient.data.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  return (
    <div class="gradient-row">
      <p class="help">
        Last negative gradient of {of}. Darkest: {number(most)}
      </p>
      <HeatMap
        kind={kind}
        matrix={negative}
        reach={most}
        label={`Negative gradient of ${of} at the last step: ${negative.data.length} values, ${range(negative)}.`}
        nameOf={(cell) => `negative gradient of ${nameOf(cell)}`}
      />
    </div>
  );
}
