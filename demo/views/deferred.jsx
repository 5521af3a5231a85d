import { useEffect, useState } from 'preact/hooks';

/**
 * What takes long comes after the answer to a click, or the beginning of a page, is seen.
 *
 * @param {() => void} act
 */
export function afterPaint(act) {
  requestAnimationFrame(() => setTimeout(act));
}

/**
 * A part of a room that comes a moment after the rest, so that the page can answer in between.
 *
 * @param {object} props
 * @param {number} [props.turn] how many frames later
 * @param {import('preact').ComponentChildren} props.children
 */
export function Later({ turn = 1, children }) {
  const [waiting, setWaiting] = useState(turn);
  useEffect(() => {
    if (waiting > 0) afterPaint(() => setWaiting(waiting - 1));
  }, [waiting]);
  return waiting > 0 ? null : children;
}
