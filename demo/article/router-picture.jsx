import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { fillOf, letterOf } from '../colours.js';
import { fixed } from '../format.js';
import { drawHeat, reaches } from '../inside/heat.js';
import { createInspector, inspectionAt } from '../inside/inspection.js';
import { distance } from '../inside/router.js';
import { Chip } from '../views/figure.jsx';

/** Milliseconds between two pictures, at least. */
const pause = 250;

/** Where the rows of R are from. */
const origins = {
  learned: 'trained',
  frozen: 'random and frozen',
  computed: 'computed from v, which is trained',
};

/**
 * The matrix R of the first router, a row for each expert, and how far it has moved.
 *
 * @param {{ run: import('../run.js').Run }} props
 */
export function RouterPicture({ run }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const layer = useSignal(0);
  const { inspection, follow } = useMemo(() => createInspector({ run, layer, pause }), [run, layer]);
  useEffect(follow, [follow]);
  const now = inspection.value;
  const first = run.moments.value[0];
  const weight = now?.parts?.scores?.weight;
  useLayoutEffect(() => {
    if (canvas.current && weight) drawHeat(canvas.current, weight, reaches.weights);
  }, [weight]);
  if (!now?.parts || !weight) return null;
  const start = first?.step === 0 ? inspectionAt(now, first).parts?.scores?.weight : undefined;
  const same = start?.data.length === weight.data.length;
  const { experts } = now.sizes;
  return (
    <div class="article-router">
      <p>
        R, {origins[now.parts.roles.weight]}
        {same && `; ${fixed(distance(weight.data, start.data))} from its start`}
      </p>
      <ol aria-hidden="true">
        {Array.from({ length: weight.rows }, (_, expert) => (
          <li key={expert}>
            <Chip letter={letterOf(expert)} {...fillOf(expert, experts, 1)} />
          </li>
        ))}
      </ol>
      <canvas ref={canvas} role="img" aria-label="R: a row for each expert" />
    </div>
  );
}
