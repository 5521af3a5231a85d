import { effect, useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { onResize, widthOf } from './canvas.js';

/** @type {(() => void)[]} */
const waiting = [];
let scheduled = false;

/** A canvas within this distance of the window is drawn, so that it is there when it comes into sight. */
const nearMargin = '200px';

/** Milliseconds of drawing per task, so that the page stays responsive. */
const drawingBudget = 3;

function drawWaiting() {
  const began = performance.now();
  try {
    while (waiting.length > 0 && performance.now() - began < drawingBudget) waiting.shift()?.();
  } finally {
    // If a drawing throws, the others are still drawn.
    scheduled = waiting.length > 0;
    if (scheduled) setTimeout(drawWaiting);
  }
}

/**
 * Queues a drawing. Each task does a few of them, so that the page stays responsive.
 *
 * @param {() => void} draw
 */
function inTurn(draw) {
  waiting.push(draw);
  if (scheduled) return;
  scheduled = true;
  setTimeout(drawWaiting);
}

/**
 * Draws, and draws again when a signal changes that was read while drawing.
 *
 * @param {() => void} draw the function of the last rendering is used, also for `before`
 * @param {readonly (() => void)[]} [before] slow computations that drawing needs: each gets its own turn, and caches its
 *   result for the drawing
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
 * A canvas that is drawn when it is first laid out, and again when its width changes or a signal that was read while
 * drawing. While it is far from the window, it waits: a slow device has enough to do with what is in sight.
 *
 * @param {(canvas: HTMLCanvasElement) => void} draw the function of the last rendering is used
 * @param {readonly (() => void)[]} [before] as in `useDrawing`
 */
export function useCanvas(draw, before = []) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const width = useSignal(0);
  const near = useSignal(false);
  useDrawing(
    () => {
      if (near.value && width.value && canvas.current) draw(canvas.current);
    },
    before.map((compute) => () => {
      if (near.peek()) compute();
    }),
  );
  // A stable function: with a new one in each rendering, the canvas would be observed anew each time.
  const hold = useMemo(() => {
    const watching = onResize((element) => {
      width.value = widthOf(element);
    });
    const observer = new IntersectionObserver(
      (entries) => {
        near.value = entries[entries.length - 1].isIntersecting;
      },
      { rootMargin: nearMargin },
    );
    return (/** @type {HTMLCanvasElement | null} */ element) => {
      canvas.current = element;
      width.value = 0;
      observer.disconnect();
      if (element) observer.observe(element);
      return watching(element);
    };
  }, [width, near]);
  return { canvas, hold, near };
}
