import { count } from '../format.js';
import { Link, Stage } from './diagram.jsx';

/**
 * A layer without a router: one network for everything.
 *
 * @param {{ sizes: import('./counts.js').Sizes, wide: boolean }} props wide: drawn from left to right
 */
export function DenseDiagram({ sizes: { experts, dModel, dInner }, wide }) {
  const width = experts * dInner;
  return (
    <>
      <Stage
        area="first"
        symbol={
          <>
            <i>W</i>₁, <i>c</i>₁
          </>
        }
        name="first layer"
        tensorRole="learned"
        size={width * (dModel + 1)}
      >
        <p class="dense-box">
          {count(width)} × {count(dModel)}
        </p>
      </Stage>
      <Link
        area="first-second"
        turn={wide ? 0 : 90}
        gradient="flows"
        says="ReLU sets negative values to 0; the gradient flows back only where values are positive."
      />
      <Stage
        area="second"
        symbol={
          <>
            <i>W</i>₂, <i>c</i>₂
          </>
        }
        name="second layer"
        tensorRole="learned"
        size={dModel * (width + 1)}
      >
        <p class="dense-box">
          {count(dModel)} × {count(width)}
        </p>
      </Stage>
    </>
  );
}
