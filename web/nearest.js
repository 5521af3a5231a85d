/** Finds the name that a misspelt one was probably meant to be. */

/** @param {string} name */
const plain = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/**
 * Fewest letters to insert, delete or replace (Levenshtein).
 * @param {string} a
 * @param {string} b
 */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + Number(a[i - 1] !== b[j - 1])));
    }
    row = next;
  }
  return row[b.length];
}

/**
 * @param {string} short
 * @param {string} long
 * @returns whether the letters of the short one stand in the long one in this order, the first one first
 */
function abbreviates(short, long) {
  let at = 0;
  for (const letter of long) if (letter === short[at]) at++;
  return at === short.length && short[0] === long[0];
}

/**
 * @param {string} a
 * @param {string} b
 * @returns 0 (the same) to 1
 */
function difference(a, b) {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  const edits = distance(a, b) / Math.max(1, long.length);
  if (short.length < 2) return edits;
  if (long.startsWith(short)) return Math.min(edits, 0.2);
  if (long.includes(short)) return Math.min(edits, 0.4);
  return abbreviates(short, long) ? Math.min(edits, 0.5) : edits;
}

/** What differs more shares only letters by chance. */
const MOST_DIFFERENCE = 0.5;

/**
 * The end of a message about a name that does not exist: the name that was probably meant, if one is near.
 * @param {string} name
 * @param {readonly string[]} names
 */
export function nearestHint(name, names) {
  const written = plain(name.slice(0, 100));
  const scores = names.map((known) => difference(written, plain(known)));
  const least = scores.reduce((a, b) => Math.min(a, b), Infinity);
  return least > MOST_DIFFERENCE ? '' : `; the nearest is ${names[scores.indexOf(least)]}`;
}
