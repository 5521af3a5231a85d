import { useMemo } from 'preact/hooks';
import { number, range } from './heat.js';
import { HeatMap } from './heat-map.jsx';
import { matrix, withBias } from './router.js';
import { ByExpert } from './router-weights.jsx';

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
  // Its cells stand below those of R, whose last column is b.
  const byExpert = of === 'R';
  const aligned = useMemo(
    () =>
      byExpert
        ? withBias({ weight: negative, bias: matrix(new Float32Array(negative.rows).fill(Number.NaN), 1) })
        : negative,
    [negative, byExpert],
  );
  const most = gradient.data.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  const picture = (
    <HeatMap
      kind={kind}
      matrix={aligned}
      reach={most}
      label={`Negative gradient of ${of} at the last step: ${negative.data.length} values, ${range(negative)}.`}
      nameOf={(cell) => `negative gradient of ${nameOf(cell)}`}
    />
  );
  return (
    <div class="gradient-row">
      <p class="help">
        Last negative gradient of {of}. Darkest: {number(most)}
      </p>
      {byExpert ? <ByExpert experts={negative.rows}>{picture}</ByExpert> : picture}
    </div>
  );
}
