import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

/** @type {(() => void)[]} */
const waiting = [];
let awake = false;

/** Milliseconds of drawing, after which the page may answer. */
const enough = 5;

function drawWaiting() {
  const began = performance.now();
  while (waiting.length > 0 && performance.now() - began < enough) waiting.shift()?.();
  awake = waiting.length > 0;
  if (awake) setTimeout(drawWaiting);
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
 * @param {() => void} draw the one of the last rendering counts
 */
export function useDrawing(draw) {
  const latest = useRef(draw);
  latest.current = draw;
  useEffect(() => {
    let gone = false;
    let stop = () => {};
    const ask = () =>
      inTurn(() => {
        if (gone) return;
        stop();
        let drawn = false;
        stop = effect(() => {
          if (drawn) return ask();
          drawn = true;
          latest.current();
        });
      });
    ask();
    return () => {
      gone = true;
      stop();
    };
  }, []);
}
