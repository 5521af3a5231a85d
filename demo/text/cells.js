/**
 * What to draw for each token of a text. With bytes as tokens, an ASCII character is one token, others take two to four.
 * The first token of a character shows it; the others are empty and narrow.
 *
 * @typedef {(token: number) => number | string} Symbols what a token stands for: a byte, a character, a piece of a word, or
 *   the name of a special token such as `<eos>`, the end of a text
 *
 * @typedef {object} Cell
 * @property {string} glyph empty for the later bytes of a character
 * @property {string} name the token in words
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

/** For models of bytes. @type {Symbols} */
export const bytes = (token) => token;

const strict = new TextDecoder('utf-8', { fatal: true });

/** @param {number} byte */
function hex(byte) {
  return `byte ${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/**
 * The length of the UTF-8 sequence that starts with this byte; 0 for a byte that starts none.
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
 * A single token, as in a list of predictions.
 *
 * @param {number} token
 * @param {Symbols} [symbols]
 * @returns {{ glyph: string, name: string }}
 */
export function cellOf(token, symbols = bytes) {
  const symbol = symbols(token);
  const code = typeof symbol === 'number' ? symbol : codeOf(symbol);
  const name = names.get(code);
  if (name) return { glyph: code === 0x20 ? '␣' : (glyphs.get(code) ?? ''), name };
  if (typeof symbol === 'string') {
    const glyph = code < 0 && !isName(symbol) ? shownPiece(symbol, '␣') : symbol;
    return { glyph, name: glyph };
  }
  if (code > 0x20 && code < 0x7f)
    return { glyph: String.fromCharCode(code), name: String.fromCharCode(code) };
  return { glyph: code.toString(16).toUpperCase().padStart(2, '0'), name: hex(code) };
}

/** @param {string} symbol @returns {number} the code point of a single character; -1 for a name */
function codeOf(symbol) {
  const code = /** @type {number} */ (symbol.codePointAt(0));
  return symbol === String.fromCodePoint(code) ? code : -1;
}

/** @param {string} symbol @returns {boolean} whether it names a special token, and is no piece of a word */
const isName = (symbol) => /^<[^<>]+>$/.test(symbol);

/**
 * @param {string} piece
 * @param {string} space in place of a space
 */
const shownPiece = (piece, space) =>
  Array.from(piece, (character) => {
    const code = character.charCodeAt(0);
    return code === 0x20 ? space : (glyphs.get(code) ?? character);
  }).join('');

/** A line may break after these. */
const wordEnd = /^[\p{P}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]$/u;

/**
 * @param {ArrayLike<number>} tokens of a text, possibly truncated or invalid
 * @param {Symbols} [symbols]
 * @returns {Cell[]} one per token
 */
export function cellsOf(tokens, symbols = bytes) {
  const all = Array.from(tokens, symbols);
  /** @type {Cell[]} */
  const cells = [];
  for (let i = 0; i < all.length; ) {
    const symbol = all[i];
    if (typeof symbol === 'string') {
      // A line may break before a word, whose piece begins with its space.
      const last = cells.at(-1);
      if (last && symbol.length > 1 && symbol.startsWith(' ')) last.endsWord = true;
      cells.push(characterCell(symbol));
      i++;
      continue;
    }
    const length = lengthFrom(symbol);
    const character = length > 1 ? decode(all, i, length) : undefined;
    if (character) {
      for (let j = 0; j < length; j++) {
        cells.push({
          glyph: j === 0 ? character : '',
          name: `${character}, byte ${j + 1} of ${length}`,
          endsWord: j === length - 1 && wordEnd.test(character),
          endsLine: false,
        });
      }
      i += length;
      continue;
    }
    cells.push(byteCell(symbol));
    i++;
  }
  return cells;
}

/** @param {number} byte an ASCII character, or invalid */
function byteCell(byte) {
  const printable = byte >= 0x20 && byte < 0x7f;
  return {
    glyph: glyphs.get(byte) ?? (printable ? String.fromCharCode(byte) : '·'),
    name: names.get(byte) ?? (printable ? String.fromCharCode(byte) : hex(byte)),
    endsWord: byte === 0x20 || byte === 0x0a || byte === 0x09 || byte === 0x2d,
    endsLine: byte === 0x0a,
  };
}

/** @param {string} symbol */
function characterCell(symbol) {
  const code = codeOf(symbol);
  if (code >= 0 && code < 0x80) return byteCell(code);
  if (code < 0 && !isName(symbol)) {
    const glyph = shownPiece(symbol, '\u00a0');
    return { glyph, name: shownPiece(symbol, '␣'), endsWord: false, endsLine: symbol.endsWith('\n') };
  }
  // Special tokens get a sign that is not in the text.
  if (code < 0) return { glyph: '◇', name: symbol, endsWord: true, endsLine: false };
  return { glyph: symbol, name: symbol, endsWord: wordEnd.test(symbol), endsLine: false };
}

/**
 * @param {readonly (number | string)[]} symbols
 * @param {number} start
 * @param {number} length
 */
function decode(symbols, start, length) {
  const part = symbols.slice(start, start + length);
  if (part.length < length || part.some((symbol) => typeof symbol === 'string')) return undefined;
  try {
    return strict.decode(Uint8Array.from(/** @type {number[]} */ (part)));
  } catch {
    return undefined;
  }
}
