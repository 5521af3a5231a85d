/**
 * What to draw for each token of a text. A token is a byte: a character of ASCII is one token, others take two to
 * four. The first token of a character shows it, the following ones show nothing and are drawn narrow.
 */

/**
 * @typedef {object} Cell
 * @property {string} glyph what is drawn; empty for the later bytes of a character
 * @property {string} name how the token is called in words
 * @property {boolean} endsWord a line may break after this cell
 * @property {boolean} endsLine the text has a line break after this cell
 */

const names = new Map([
  [0x20, 'space'],
  [0x0a, 'line break'],
  [0x0d, 'carriage return'],
  [0x09, 'tab'],
]);
const glyphs = new Map([
  [0x20, '\u00a0'],
  [0x0a, '↵'],
  [0x0d, '␍'],
  [0x09, '⇥'],
]);

const strict = new TextDecoder('utf-8', { fatal: true });

/** @param {number} byte */
function hex(byte) {
  return `byte ${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/**
 * How many bytes the character has that begins with this byte; 0 for a byte that begins none.
 *
 * @param {number} byte
 */
function lengthFrom(byte) {
  if (byte < 0x80) return 1;
  if (byte >= 0xc2 && byte < 0xe0) return 2;
  if (byte >= 0xe0 && byte < 0xf0) return 3;
  if (byte >= 0xf0 && byte < 0xf5) return 4;
  return 0;
}

/**
 * A token by itself, as in a list of predictions.
 *
 * @param {number} byte
 * @returns {{ glyph: string, name: string }}
 */
export function cellOf(byte) {
  const name = names.get(byte);
  if (name) return { glyph: byte === 0x20 ? '␣' : (glyphs.get(byte) ?? ''), name };
  if (byte > 0x20 && byte < 0x7f)
    return { glyph: String.fromCharCode(byte), name: String.fromCharCode(byte) };
  return { glyph: byte.toString(16).toUpperCase().padStart(2, '0'), name: hex(byte) };
}

/**
 * @param {ArrayLike<number>} tokens bytes of UTF-8, possibly cut or wrong
 * @returns {Cell[]} one a token
 */
export function cellsOf(tokens) {
  /** @type {Cell[]} */
  const cells = [];
  for (let i = 0; i < tokens.length; ) {
    const byte = tokens[i];
    const length = lengthFrom(byte);
    const character = length > 1 ? decode(tokens, i, length) : undefined;
    if (character) {
      for (let j = 0; j < length; j++) {
        cells.push({
          glyph: j === 0 ? character : '',
          name: `${character}, byte ${j + 1} of ${length}`,
          endsWord:
            j === length - 1 &&
            /[\p{P}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(character),
          endsLine: false,
        });
      }
      i += length;
      continue;
    }
    const printable = byte >= 0x20 && byte < 0x7f;
    cells.push({
      glyph: glyphs.get(byte) ?? (printable ? String.fromCharCode(byte) : '·'),
      name: names.get(byte) ?? (printable ? String.fromCharCode(byte) : hex(byte)),
      endsWord: byte === 0x20 || byte === 0x0a || byte === 0x09 || byte === 0x2d,
      endsLine: byte === 0x0a,
    });
    i++;
  }
  return cells;
}

/**
 * @param {ArrayLike<number>} tokens
 * @param {number} start
 * @param {number} length
 */
function decode(tokens, start, length) {
  if (start + length > tokens.length) return undefined;
  const bytes = new Uint8Array(length);
  for (let j = 0; j < length; j++) bytes[j] = tokens[start + j];
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
