import { checkSize, SymbolVocabulary } from './vocabulary.js';

/**
 * Vocabularies in files: the JSON of the package, or a list with one symbol a line, as published models of the
 * Transformer-XL family have it. There, a line may have a count behind the symbol; models of bytes name them by number
 * (enwik8), models of characters write the space as `_` (text8), and names stand in angle brackets.
 *
 * @param {string} name of the file
 * @param {string} content
 * @returns {SymbolVocabulary}
 * @throws {RangeError} saying what the file may be
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
    throw new RangeError(`this is no JSON: ${error instanceof Error ? error.message : error}`);
  }
  return SymbolVocabulary.fromJSON(json);
}

/** @type {Record<string, string>} how lines write what would break them */
const escapes = { '\\n': '\n', '\\t': '\t', '\\r': '\r', '\\s': ' ' };

/** @param {string} content */
function ofLines(content) {
  const lines = content.split('\n').map((line) => line.replace(/\r$/, ''));
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) throw new RangeError('the file is empty; a vocabulary has one symbol a line');
  checkSize(lines.length);
  const entries = lines.map((line, i) => {
    const symbol = [...line].length === 1 ? line : (/^(\S+)(?:\s+\d+)?\s*$/.exec(line)?.[1] ?? '');
    if (symbol) return escapes[symbol] ?? symbol;
    throw new RangeError(
      line
        ? `line ${i + 1} is “${line.slice(0, 30)}”; a vocabulary has one symbol a line`
        : `line ${i + 1} is empty; a line break is written \\n, a space \\s`,
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
      `“${word.slice(0, 30)}” is more than a character; the page takes models of bytes or characters, not of words`,
    );
  }
  const underscore = plain.includes('_') && !plain.includes(' ');
  return new SymbolVocabulary(entries.map((entry) => (underscore && entry === '_' ? ' ' : entry)));
}
