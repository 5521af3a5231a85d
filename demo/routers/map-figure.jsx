import { useComputed } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import { percent } from '../format.js';
import { createTile } from '../plane/draw.js';
import { owners, ownershipShares } from '../plane/fields.js';
import { mapViews } from '../plane/frame.js';
import { paintOwners } from '../plane/pixels.js';
import { useDrawing } from '../views/drawing.js';
import { Figure } from '../views/figure.jsx';

/** Pixels per side. */
const side = 480;

/**
 * The chosen expert at each place of the plane, for one model.
 *
 * @param {{ trainee: import('./comparison.js').Trainee, state: import('../state.js').State }} props
 */
export function MapFigure({ trainee, state }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const tile = useMemo(createTile, []);
  const map = useComputed(() => ownersOf(trainee.picture.value, Number(state.get('layer')) - 1));
  useDrawing(() => {
    const drawn = map.value;
    const context = canvas.current?.getContext('2d');
    if (!drawn || !context) return;
    const { owned, shape } = drawn;
    tile(context, { side, size: shape.size, smooth: true }, (pixels) =>
      paintOwners(pixels, owned, { ...shape, patterns: false }),
    );
  });
  const { label } = state.settingOf(trainee.router);
  const parts = map.value ? partsOf(map.value) : [];
  const words = parts.map(({ name, share }) => `${name} ${percent(share)}`).join(', ');
  return (
    <Figure
      title={label}
      name={`routers-map-${trainee.router}`}
      table={() => (
        <table>
          <thead>
            <tr>
              <th scope="col">Chosen expert</th>
              <th scope="col">Share of the map</th>
            </tr>
          </thead>
          <tbody>
            {parts.map(({ name, share }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{percent(share)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    >
      <canvas
        ref={canvas}
        class="owner-map"
        width={side}
        height={side}
        role="img"
        aria-label={`Share of the map by chosen expert, ${label}: ${words || 'nothing yet'}.`}
      />
    </Figure>
  );
}

/**
 * @param {{ shape: import('../plane/frame.js').MapShape, buffer: ArrayBuffer } | null} picture
 * @param {number} layer counted from 0
 */
function ownersOf(picture, layer) {
  const routing = picture && mapViews(picture.buffer, picture.shape).places[layer];
  return routing ? { shape: picture.shape, owned: owners(routing, picture.shape) } : null;
}

/** @param {NonNullable<ReturnType<typeof ownersOf>>} map */
function partsOf({ shape, owned }) {
  return ownershipShares(owned.first, shape.experts);
}
