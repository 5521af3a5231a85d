import { checkSize, SymbolVocabulary } from './vocabulary.js';

/**
 * Reads vocabulary files: JSON from the package, or one symbol per line, as with published models of the Transformer-XL
 * family. There, a count may follow the symbol; bytes are written as numbers (enwik8), the space of character models as
 * `_` (text8), and special tokens in angle brackets.
 *
 * @param {string} name of the file
 * @param {string} content
 * @returns {SymbolVocabulary}
 * @throws {RangeError} saying what is wrong with the file
 */
export function vocabularyOfFile(name, content) {
  try {
    return content.trimStart().startsWith('{') ? ofJSON(content) : ofLines(content);
  } catch (error) {
    throw new RangeError(`${name}: ${error instanceof Error ? error.message : error}`);
  }
}

/** @param {string} content */
function ofJSON(content) {
  let json;
  try {
    json = JSON.parse(content);
  } catch (error) {
    throw new RangeError(`not valid JSON: ${error instanceof Error ? error.message : error}`);
  }
  return SymbolVocabulary.fromJSON(json);
}

/** @type {Record<string, string>} escapes in lines */
const escapes = { '\\n': '\n', '\\t': '\t', '\\r': '\r', '\\s': ' ' };

/** @param {string} content */
function ofLines(content) {
  const lines = content.split('\n').map((line) => line.replace(/\r$/, ''));
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) throw new RangeError('the file is empty; a vocabulary has one symbol per line');
  checkSize(lines.length);
  const entries = lines.map((line, i) => {
    const symbol = [...line].length === 1 ? line : (/^(\S+)(?:\s+\d+)?\s*$/.exec(line)?.[1] ?? '');
    if (symbol) return escapes[symbol] ?? symbol;
    throw new RangeError(
      line
        ? `line ${i + 1} is “${line.slice(0, 30)}”; a vocabulary has one symbol per line`
        : `line ${i + 1} is empty; write \\n for a line break and \\s for a space`,
    );
  });
  const isName = (/** @type {string} */ entry) => /^<[^<>]+>$/.test(entry);
  const plain = entries.filter((entry) => !isName(entry));
  const isByte = (/** @type {string} */ entry) => /^\d{1,3}$/.test(entry) && Number(entry) < 256;
  if (plain.every(isByte) && plain.some((entry) => entry.length > 1)) {
    return new SymbolVocabulary(entries.map((entry) => (isName(entry) ? entry : Number(entry))));
  }
  const word = plain.find((entry) => [...entry].length > 1);
  if (word !== undefined) {
    throw new RangeError(
      `“${word.slice(0, 30)}” is more than one character; the page supports bytes and characters, not words`,
    );
  }
  const underscore = plain.includes('_') && !plain.includes(' ');
  return new SymbolVocabulary(entries.map((entry) => (underscore && entry === '_' ? ' ' : entry)));
}
