import { useEffect, useState } from 'preact/hooks';

/**
 * Calls a slow function after the next paint, so that the response to a click, or the start of the page, is visible
 * first.
 *
 * @param {() => void} act
 */
export function afterPaint(act) {
  requestAnimationFrame(() => setTimeout(act));
}

/**
 * A part of a room that is rendered after the rest, so that the page stays responsive in between.
 *
 * @param {object} props
 * @param {number} [props.turn] how many frames later
 * @param {import('preact').ComponentChildren} props.children
 */
export function Deferred({ turn = 1, children }) {
  const [waiting, setWaiting] = useState(turn);
  useEffect(() => {
    if (waiting > 0) afterPaint(() => setWaiting(waiting - 1));
  }, [waiting]);
  return waiting > 0 ? null : children;
}
