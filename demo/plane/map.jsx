import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { fixed } from '../format.js';
import { useCanvas, useDrawing } from '../views/drawing.js';
import { prepare } from './draw.js';
import { onMap, reach } from './geometry.js';

/**
 * @typedef {{ x: number, y: number }} Place
 *
 * @typedef {object} Brush paints on the map
 * @property {(place: Place) => void} begin
 * @property {(place: Place) => void} extend
 * @property {() => void} end
 * @property {() => void} cancel
 * @property {(place: Place) => string} press paints at a place; returns an announcement
 * @property {(place: Place) => string} remove
 */

const keyStep = 0.25;
const longKeyStep = 1;

/**
 * A map of the plane: a canvas with a cursor that pointer and arrow keys move. A readout elsewhere describes the place.
 *
 * @param {object} props
 * @param {string} props.id
 * @param {string} props.label what the map shows, for screen readers
 * @param {() => string} props.words what it shows now, for screen readers; reads signals
 * @param {string} props.keys what its keys do
 * @param {string} props.describedBy id of the readout
 * @param {import('@preact/signals').Signal<Place>} props.cursor
 * @param {import('@preact/signals').Signal<Place | null>} props.hovered
 * @param {(on: { context: CanvasRenderingContext2D, side: number, unit: number }) => void} props.draw reads signals: redrawn
 *   when these change
 * @param {readonly (() => void)[]} [props.before] computes what drawing needs, each in its own task
 * @param {Brush | null} [props.brush]
 */
export function PlaneMap({
  id,
  label,
  words,
  keys,
  describedBy,
  cursor,
  hovered,
  draw,
  before = [],
  brush = null,
}) {
  const said = useSignal('');
  const { hold, near } = useCanvas((canvas) => {
    const on = prepare(canvas);
    if (on) draw(on);
  }, before);
  const seen = useSignal('');
  // After the picture, which must not wait for these words.
  useDrawing(() => {
    if (near.value) seen.value = words();
  });
  const described = `${label} ${seen.value}`.trim();
  useEffect(() => () => brush?.cancel(), [brush]);

  const handlers = pointerHandlers({ cursor, hovered, brush });
  return (
    <div class="map">
      <span class="map-y" aria-hidden="true">
        <span>{reach}</span>
        <span>y</span>
        <span>−{reach}</span>
      </span>
      <div
        id={id}
        class={brush ? 'map-plate is-painted-on' : 'map-plate'}
        role="application"
        aria-label={`${described} ${keys}`}
        aria-describedby={describedBy}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move over the map
        tabIndex={0}
        onKeyDown={(event) => {
          const done = onKey(event, cursor, brush);
          if (done === undefined) return;
          event.preventDefault();
          hovered.value = null;
          said.value = done;
        }}
        {...handlers}
      >
        <canvas class="map-canvas" ref={hold} role="img" aria-label={described} />
        <Mark place={hovered.value ?? cursor.value} />
      </div>
      <span class="map-x" aria-hidden="true">
        <span>−{reach}</span>
        <span>x</span>
        <span>{reach}</span>
      </span>
      <span class="unseen" aria-live="polite">
        {said.value}
      </span>
    </div>
  );
}

/** @param {{ place: Place }} props */
function Mark({ place }) {
  const style = {
    left: `${((place.x + reach) / (2 * reach)) * 100}%`,
    top: `${((reach - place.y) / (2 * reach)) * 100}%`,
  };
  return <i class="map-cursor" style={style} />;
}

/**
 * @param {PointerEvent} event
 * @returns {Place}
 */
function placeOf(event) {
  const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
  return onMap({
    x: ((event.clientX - box.left) / box.width) * 2 * reach - reach,
    y: reach - ((event.clientY - box.top) / box.height) * 2 * reach,
  });
}

/**
 * @param {object} parts
 * @param {import('@preact/signals').Signal<Place>} parts.cursor
 * @param {import('@preact/signals').Signal<Place | null>} parts.hovered
 * @param {Brush | null} parts.brush
 */
function pointerHandlers({ cursor, hovered, brush }) {
  return {
    onPointerDown: (/** @type {PointerEvent} */ event) => {
      if (event.button !== 0) return;
      cursor.value = placeOf(event);
      if (!brush) return;
      /** @type {HTMLElement} */ (event.currentTarget).setPointerCapture(event.pointerId);
      brush.begin(placeOf(event));
    },
    onPointerMove: (/** @type {PointerEvent} */ event) => {
      const place = placeOf(event);
      if (event.pointerType === 'mouse') hovered.value = place;
      brush?.extend(place);
    },
    onPointerUp: () => brush?.end(),
    onPointerCancel: () => brush?.cancel(),
    onPointerLeave: () => {
      hovered.value = null;
    },
  };
}

/**
 * @param {KeyboardEvent} event
 * @param {import('@preact/signals').Signal<Place>} cursor
 * @param {Brush | null} brush
 * @returns {string | undefined} an announcement; undefined for other keys
 */
function onKey({ key, shiftKey, ctrlKey, metaKey, altKey }, cursor, brush) {
  if (ctrlKey || metaKey || altKey) return undefined;
  const step = shiftKey ? longKeyStep : keyStep;
  const { x, y } = cursor.peek();
  const to = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
  if (to) {
    // The pointer may have put the cursor between two steps.
    const along = (/** @type {number} */ from, /** @type {number} */ steps) =>
      steps ? Math.round(from / keyStep) * keyStep + steps * step : from;
    cursor.value = onMap({ x: along(x, to[0]), y: along(y, to[1]) });
    return placeInWords(cursor.peek());
  }
  if (brush && (key === 'Enter' || key === ' ')) return brush.press({ x, y });
  if (brush && (key === 'Delete' || key === 'Backspace')) return brush.remove({ x, y });
  return undefined;
}

/** @param {Place} place */
export const placeInWords = ({ x, y }) => `x ${fixed(x)}, y ${fixed(y)}`;

/** Classes, named by the shape of their marks. */
export const classNames = ['circle', 'triangle', 'square', 'cross'];

/** What hollow marks are, in the key of a map. */
export function HollowKey() {
  return (
    <li>
      <svg class="class-mark is-hollow" viewBox="-8 -8 16 16" aria-hidden="true">
        <circle r="5" />
      </svg>{' '}
      hollow: held out
    </li>
  );
}

/**
 * The mark of a class, as on the maps.
 *
 * @param {{ id: number }} props
 */
export function ClassMark({ id }) {
  return (
    <svg class={`class-mark class-${id}`} viewBox="-8 -8 16 16" aria-hidden="true">
      {id === 0 && <circle r="6" />}
      {id === 1 && <path d="M0-7 6.6 5-6.6 5z" />}
      {id === 2 && <path d="M-5.5-5.5h11v11h-11z" />}
      {id === 3 && <path d="M-2.3-6.5h4.6v4.2h4.2v4.6h-4.2v4.2h-4.6v-4.2h-4.2v-4.6h4.2z" />}
    </svg>
  );
}
