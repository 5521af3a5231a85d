import { count } from '../format.js';
import { Link, Stage } from './stage.jsx';

/**
 * A layer without a router: one network for everything.
 *
 * @param {{ sizes: import('./counts.js').Sizes, wide: boolean }} props wide: from left to right
 */
export function DenseWay({ sizes: { experts, dModel, dInner }, wide }) {
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
        fate="learned"
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
        says="What is below 0 becomes 0; the gradient comes back where it is above."
      />
      <Stage
        area="second"
        symbol={
          <>
            <i>W</i>₂, <i>c</i>₂
          </>
        }
        name="second layer"
        fate="learned"
        size={dModel * (width + 1)}
      >
        <p class="dense-box">
          {count(dModel)} × {count(width)}
        </p>
      </Stage>
    </>
  );
}
