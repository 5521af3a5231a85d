import { effect, useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { onResize, widthOf } from './canvas.js';

/** @type {(() => void)[]} */
const waiting = [];
let awake = false;

/** Milliseconds of drawing, after which the page may answer. */
const enough = 5;

function drawWaiting() {
  const began = performance.now();
  try {
    while (waiting.length > 0 && performance.now() - began < enough) waiting.shift()?.();
  } finally {
    // A picture that fails does not hold back the others.
    awake = waiting.length > 0;
    if (awake) setTimeout(drawWaiting);
  }
}

/**
 * Draws when it is its turn: a few pictures a task, so that the page can answer between them.
 *
 * @param {() => void} draw
 */
function inTurn(draw) {
  waiting.push(draw);
  if (awake) return;
  awake = true;
  setTimeout(drawWaiting);
}

/**
 * Draws, and draws again when a signal has changed that was read in drawing.
 *
 * @param {() => void} draw this and the following: those of the last rendering count
 * @param {readonly (() => void)[]} [before] what drawing needs and takes long to compute: each has a turn of its own,
 *   and is kept where it is computed, for drawing to find it there
 */
export function useDrawing(draw, before = []) {
  const latest = useRef({ draw, before });
  latest.current = { draw, before };
  useEffect(() => {
    let gone = false;
    let stop = () => {};
    const ask = () => {
      for (const compute of latest.current.before) inTurn(() => gone || compute());
      inTurn(() => {
        if (gone) return;
        stop();
        let drawn = false;
        stop = effect(() => {
          if (drawn) return ask();
          drawn = true;
          latest.current.draw();
        });
      });
    };
    ask();
    return () => {
      gone = true;
      stop();
    };
  }, []);
}

/**
 * A canvas that is drawn once it is on the screen, and again when its width has changed, or a signal that was read in
 * drawing.
 *
 * @param {(canvas: HTMLCanvasElement) => void} draw the one of the last rendering counts
 * @param {readonly (() => void)[]} [before] as for every drawing
 */
export function useCanvas(draw, before = []) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const width = useSignal(0);
  useDrawing(() => {
    if (width.value && canvas.current) draw(canvas.current);
  }, before);
  // The same function for the whole life of the view: a new one would let the canvas be watched anew each time.
  const hold = useMemo(() => {
    const watching = onResize((element) => {
      width.value = widthOf(element);
    });
    return (/** @type {HTMLCanvasElement | null} */ element) => {
      canvas.current = element;
      width.value = 0;
      return watching(element);
    };
  }, [width]);
  return { canvas, hold };
}
