/** The data of a study: its files, and the parts that models are trained on, that choose, and that results are measured on. */
import { checkObject, fail, toBytes } from '../check.js';
import { Labels, readLabelledTexts, splitLabelledTexts } from '../labelled-text.js';
import { quote } from '../message.js';
import { PieceVocabulary } from '../pieces.js';
import { ENDINGS, formatOfName } from '../table-format.js';
import { splitText } from '../text.js';
import { ByteVocabulary, CharacterVocabulary } from '../vocabulary.js';
import { checkMade, remember } from './arguments.js';
import { isCheckpoint } from './study.js';

/** @import { LabelledTexts } from '../labelled-text.js' */
/** @import { Vocabulary } from '../vocabulary.js' */
/** @import { DataFile, HeldOut, LabelledData, Study, StudyData, StudyFiles, TextData } from './types.js' */

/**
 * The files that a study needs.
 * @param {Study} study that was read
 * @returns {string[]} paths as in the study, each once
 */
export function filesOf(study) {
  checkMade('study', study);
  const { data, validation, test, from } = study;
  const all = [data, validation, test, isCheckpoint(from) ? [from] : []];
  return [...new Set(all.flatMap((paths) => (Array.isArray(paths) ? paths : [])))].map(String);
}

/**
 * @param {string} file its path in the study
 * @param {Uint8Array} bytes its contents
 * @returns {Promise<DataFile>}
 */
export async function describeFile(file, bytes) {
  const digest = await crypto.subtle.digest('SHA-256', toBytes('bytes', bytes));
  const digits = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0'));
  return { file, bytes: bytes.length, sha256: digits.join('') };
}

/**
 * Which held-out data choose, and which are measured: never the same.
 * @param {Study} study that was read
 * @returns {HeldOut}
 */
export function heldOutOf(study) {
  checkMade('study', study);
  const { chooses, test } = study;
  if (test !== null) return { chosen: chooses ? 'validation' : null, measured: 'test' };
  if (!chooses) return { chosen: null, measured: 'validation' };
  return { chosen: 'first half of validation', measured: 'second half of validation' };
}

/**
 * Reads the data of a study.
 *
 * @param {Study} study that was read
 * @param {StudyFiles} files those of `filesOf`
 * @returns {StudyData}
 * @throws {TypeError | RangeError} naming the file
 */
export function readData(study, files) {
  checkMade('study', study);
  checkObject('files', files);
  return remember(
    'data',
    study.task === 'language' ? readTextData(study, files) : readLabelledData(study, files),
  );
}

/** @param {StudyFiles} files @param {string} path */
const fileOf = (files, path) =>
  files[path] === undefined
    ? fail(`files must have ${quote(path)}`, TypeError)
    : toBytes(`files[${quote(path)}]`, files[path]);

/** @param {readonly Uint8Array[]} parts */
function join(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * @param {Study['vocabulary']} vocabulary
 * @param {string | Uint8Array} all of the text: every character of it can be encoded
 * @param {() => string} trained the part of it that models are trained on: of it, pieces are learned
 * @returns {Vocabulary}
 */
function makeVocabulary({ kind, size }, all, trained) {
  if (kind === 'byte') return new ByteVocabulary();
  const characters = CharacterVocabulary.fromText(all);
  if (kind === 'char') return characters;
  const text = trained();
  const known = new Set(text);
  const others = [...characters.decode(Array.from({ length: characters.size }, (_, id) => id))].filter(
    (character) => !known.has(character),
  );
  const learned = PieceVocabulary.fromText(text, { size: Math.max(1, Number(size) - others.length) });
  return new PieceVocabulary([...others, .../** @type {{ pieces: string[] }} */ (learned.toJSON()).pieces]);
}

/**
 * Two parts of data that choose and measure.
 *
 * @template Part
 * @param {Study} study
 * @param {Part} validation
 * @param {Part | null} test
 * @param {(part: Part) => [Part, Part]} halve
 * @returns {{ choose: Part | null, measure: Part }}
 */
function shareHeldOut({ chooses }, validation, test, halve) {
  if (test !== null) return { choose: chooses ? validation : null, measure: test };
  if (!chooses) return { choose: null, measure: validation };
  const [choose, measure] = halve(validation);
  return { choose, measure };
}

/** @param {Study} study @param {StudyFiles} files @returns {TextData} */
function readTextData(study, files) {
  const read = (/** @type {readonly string[]} */ paths) => join(paths.map((path) => fileOf(files, path)));
  const given = (/** @type {number | string[] | null} */ part) => (Array.isArray(part) ? read(part) : null);
  const texts = { data: read(study.data), validation: given(study.validation), test: given(study.test) };
  const all = join(Object.values(texts).filter((text) => text !== null));
  const share = [study.validation, study.test].reduce(
    (/** @type {number} */ sum, part) => sum + (typeof part === 'number' ? part : 0),
    0,
  );
  const vocabulary = makeVocabulary(study.vocabulary, all, () => {
    const text = new TextDecoder().decode(texts.data);
    return text.slice(0, Math.ceil(text.length * (1 - share)));
  });
  const encode = (/** @type {Uint8Array | null} */ text) => text && vocabulary.encode(text);
  // From the end: test, validation.
  let rest = vocabulary.encode(texts.data);
  const length = rest.length;
  const cut = (/** @type {number} */ share) => {
    const parts = splitText(rest, { validation: (share * length) / rest.length });
    rest = parts.train;
    return parts.validation;
  };
  const test = encode(texts.test) ?? (typeof study.test === 'number' ? cut(study.test) : null);
  const validation = encode(texts.validation) ?? cut(Number(study.validation));
  const halve = (/** @type {Int32Array} */ tokens) => {
    const middle = Math.floor(tokens.length / 2);
    return /** @type {[Int32Array, Int32Array]} */ ([tokens.subarray(0, middle), tokens.subarray(middle)]);
  };
  const parts = { train: rest, ...shareHeldOut(study, validation, test, halve) };
  for (const [name, part] of Object.entries(parts)) {
    if (part && part.length < 2)
      fail(`study.data is too short: the part to ${name} has ${part.length} tokens, and needs 2 or more`);
  }
  return { task: 'language', vocabulary, ...parts };
}

/** @param {Study} study @param {StudyFiles} files @returns {LabelledData} */
function readLabelledData(study, files) {
  const { text, label } = study;
  const read = (/** @type {readonly string[]} */ paths) => {
    const all = paths.map((path) => {
      const bytes = fileOf(files, path);
      const format = formatOfName(path) ?? fail(`${path} must end in ${ENDINGS}`);
      try {
        return readLabelledTexts(bytes, { format, text, label });
      } catch (error) {
        const Type = error instanceof TypeError ? TypeError : RangeError;
        return fail(`${path}: ${/** @type {Error} */ (error).message}`, Type);
      }
    });
    return { texts: all.flatMap(({ texts }) => texts), labels: all.flatMap(({ labels }) => labels) };
  };
  const given = (/** @type {number | string[] | null} */ part) => (Array.isArray(part) ? read(part) : null);
  const shareOf = (/** @type {number | string[] | null} */ part) => (typeof part === 'number' ? part : 0);
  const data = read(study.data);
  const split = splitLabelledTexts(data, {
    validation: shareOf(study.validation),
    test: shareOf(study.test),
  });
  const validation = given(study.validation) ?? split.validation;
  const test = study.test === null ? null : (given(study.test) ?? split.test);
  const halve = (/** @type {LabelledTexts} */ part) => {
    const halves = splitLabelledTexts(part, { validation: 0.5 });
    return /** @type {[LabelledTexts, LabelledTexts]} */ ([halves.validation, halves.train]);
  };
  const parts = { train: split.train, ...shareHeldOut(study, validation, test, halve) };
  for (const [name, part] of Object.entries(parts)) {
    if (part && part.texts.length === 0) fail(`study.data has too few texts: none is left to ${name}`);
  }
  const held = [validation, ...(test ? [test] : [])];
  const all = [data, ...held].flatMap(({ texts }) => texts).join('\n');
  return {
    task: 'classify',
    vocabulary:
      study.from === null ? makeVocabulary(study.vocabulary, all, () => split.train.texts.join('\n')) : null,
    labels: Labels.of([data, ...held].flatMap(({ labels }) => labels)),
    ...parts,
  };
}
