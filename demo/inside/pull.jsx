import { useMemo } from 'preact/hooks';
import { number, range } from './heat.js';
import { HeatMap } from './heat-map.jsx';
import { matrix } from './router.js';

/**
 * Where the last step’s gradient pulls what learns.
 *
 * @param {object} props
 * @param {import('./router.js').Matrix} props.gradient
 * @param {string} props.of
 * @param {(cell: import('./heat-map.jsx').Cell) => string} props.nameOf
 * @param {string} props.kind for styles
 */
export function Pull({ gradient, of, nameOf, kind }) {
  const pull = useMemo(
    () =>
      matrix(
        gradient.data.map((x) => -x),
        gradient.rows,
      ),
    [gradient],
  );
  const most = gradient.data.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  return (
    <div class="pull">
      <p class="help">
        Where the last gradient pulled {of}. Darkest: {number(most)}.
      </p>
      <HeatMap
        kind={kind}
        matrix={pull}
        reach={most}
        label={`Minus the gradient of ${of} in the last step: ${pull.data.length} numbers, ${range(pull)}.`}
        nameOf={(cell) => `pull on ${nameOf(cell)}`}
      />
    </div>
  );
}
