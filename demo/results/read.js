/**
 * Reads the results of a study as `hyperrouter-wasm study` writes them. They may come from anybody, so nothing is shown
 * before all of it was checked.
 *
 * @typedef {import('hyperrouter-wasm/study').StudyResults} StudyResults
 * @typedef {import('hyperrouter-wasm/study').RunResult} RunResult
 * @typedef {import('hyperrouter-wasm/study').VariantResult} VariantResult
 */

/** A file that holds no results, or damaged ones. The message begins with the name of the file and says why. */
export class ResultsError extends Error {
  name = 'ResultsError';
}

const maxBytes = 20e6;
const maxRuns = 5000;
const maxVariants = 100;
const maxPoints = 1000;
const maxText = 200;

/** @param {string} path @param {string} must @returns {never} */
function refuse(path, must) {
  throw new ResultsError(`${path} must be ${must}`);
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isRecord = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param {string} path @param {unknown} value @returns {Record<string, unknown>} */
const record = (path, value) => (isRecord(value) ? value : refuse(path, 'an object'));

/** @param {string} path @param {unknown} value @param {number} most @returns {unknown[]} */
const list = (path, value, most) =>
  Array.isArray(value) && value.length <= most ? value : refuse(path, `a list of at most ${most}`);

/** @param {string} path @param {unknown} value */
const text = (path, value) => {
  const right = typeof value === 'string' && value !== '' && value.length <= maxText;
  return right ? value : refuse(path, `a text of 1 to ${maxText} characters`);
};

/** @param {string} path @param {unknown} value */
const number = (path, value) =>
  typeof value === 'number' && Number.isFinite(value) ? value : refuse(path, 'a number');

/** @param {string} path @param {unknown} value @param {number} [least] */
const whole = (path, value, least = 0) =>
  Number.isSafeInteger(value) && Number(value) >= least ? Number(value) : refuse(path, 'a whole number');

/** @param {string} path @param {unknown} value */
const numberOrNull = (path, value) => (value === null ? null : number(path, value));

/** @param {string} path @param {unknown} value @param {(path: string, value: unknown) => unknown} check of each */
function entries(path, value, check) {
  for (const [key, one] of Object.entries(record(path, value))) check(`${path}.${key}`, one);
}

/** @param {string} path @param {unknown} value */
function curve(path, value) {
  let last = -1;
  list(path, value, maxPoints).forEach((point, i) => {
    const pair = list(`${path}[${i}]`, point, 2);
    const step = whole(`${path}[${i}][0]`, pair[0]);
    if (step <= last) refuse(`${path}[${i}][0]`, `a step after ${last}`);
    last = step;
    number(`${path}[${i}][1]`, pair[1]);
  });
}

/** @param {string} path @param {unknown} value */
function byK(path, value) {
  for (const k of Object.keys(record(path, value))) {
    if (!/^[1-9]\d{0,3}$/.test(k)) refuse(`${path}.${k}`, 'named by a number of experts');
    entries(`${path}.${k}`, record(path, value)[k], numberOrNull);
  }
}

/** @param {string} path @param {unknown} value */
function checkRun(path, value) {
  const run = record(path, value);
  text(`${path}.variant`, run.variant);
  whole(`${path}.seed`, run.seed);
  const settings = record(`${path}.settings`, run.settings);
  record(`${path}.settings.model`, settings.model);
  record(`${path}.settings.train`, settings.train);
  whole(`${path}.steps`, run.steps);
  curve(`${path}.training`, run.training);
  curve(`${path}.validations`, run.validations);
  entries(`${path}.validation`, run.validation, numberOrNull);
  byK(`${path}.byTopK`, run.byTopK);
  if (run.routing !== null) record(`${path}.routing`, run.routing);
  entries(`${path}.parameters`, run.parameters, number);
  if (typeof run.fingerprint !== 'string' || !/^[0-9a-f]{16,64}$/.test(run.fingerprint))
    refuse(`${path}.fingerprint`, '16 or more hexadecimal digits');
}

/** @param {string} path @param {unknown} value */
function interval(path, value) {
  const one = record(path, value);
  for (const key of ['mean', 'low', 'high']) numberOrNull(`${path}.${key}`, one[key]);
}

/** @param {string} path @param {unknown} value */
function difference(path, value) {
  interval(path, value);
  const one = record(path, value);
  whole(`${path}.agree`, one.agree);
  const adjusted = record(`${path}.adjusted`, one.adjusted);
  for (const key of ['low', 'high']) numberOrNull(`${path}.adjusted.${key}`, adjusted[key]);
}

/** @param {string} path @param {unknown} value */
function checkVariant(path, value) {
  const variant = record(path, value);
  text(`${path}.variant`, variant.variant);
  whole(`${path}.seeds`, variant.seeds);
  entries(`${path}.validation`, variant.validation, interval);
  for (const [k, one] of Object.entries(record(`${path}.byTopK`, variant.byTopK)))
    entries(`${path}.byTopK.${k}`, one, interval);
  if (variant.againstFirst === null) return;
  const { byTopK = {}, ...measures } = record(`${path}.againstFirst`, variant.againstFirst);
  entries(`${path}.againstFirst`, measures, difference);
  for (const [k, one] of Object.entries(record(`${path}.againstFirst.byTopK`, byTopK)))
    entries(`${path}.againstFirst.byTopK.${k}`, one, difference);
}

/**
 * @param {string} name of the file
 * @param {string} content
 * @returns {StudyResults}
 * @throws {ResultsError}
 */
export function readResults(name, content) {
  /** @type {unknown} */
  let json;
  try {
    json = JSON.parse(content);
  } catch {
    throw new ResultsError(`${name} is not JSON. Open the results.json that a study has written.`);
  }
  try {
    return checked(json);
  } catch (error) {
    if (!(error instanceof ResultsError)) throw error;
    throw new ResultsError(`${name} ${error.message}`);
  }
}

/** @param {unknown} json @returns {StudyResults} */
function checked(json) {
  if (!isRecord(json) || !isRecord(json.study) || !Array.isArray(json.runs)) {
    const other =
      isRecord(json) && json.format === 'hyperrouter-wasm runs' ? 'holds runs that this page saved' : null;
    throw new ResultsError(
      `${other ?? 'does not hold the results of a study'}. Open the results.json that a study has written.`,
    );
  }
  if (json.format !== 1) {
    throw new ResultsError(
      `has results of format ${JSON.stringify(json.format)?.slice(0, 20)}; this page reads format 1.`,
    );
  }
  try {
    checkAll(json);
  } catch (error) {
    if (!(error instanceof ResultsError)) throw error;
    throw new ResultsError(`holds damaged results: ${error.message}.`);
  }
  return /** @type {any} */ (json);
}

/** @param {Record<string, unknown>} json */
function checkAll({ data, runs, variants, study }) {
  const { name = 'study' } = /** @type {Record<string, unknown>} */ (study);
  text('study.name', name);
  list('data', data, 100).forEach((file, i) => {
    const one = record(`data[${i}]`, file);
    text(`data[${i}].file`, one.file);
    whole(`data[${i}].bytes`, one.bytes);
    if (typeof one.sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(one.sha256))
      refuse(`data[${i}].sha256`, '64 hexadecimal digits');
  });
  list('runs', runs, maxRuns).forEach((run, i) => {
    checkRun(`runs[${i}]`, run);
  });
  const all = list('variants', variants, maxVariants);
  if (!all.length) refuse('variants', 'a list of at least one');
  all.forEach((variant, i) => {
    checkVariant(`variants[${i}]`, variant);
  });
  const known = all.map((variant) => /** @type {VariantResult} */ (variant).variant);
  if (new Set(known).size < known.length) refuse('variants', 'different ones');
  const seen = new Set();
  /** @type {RunResult[]} */ (runs).forEach(({ variant, seed }, i) => {
    if (!known.includes(variant)) refuse(`runs[${i}].variant`, 'one of the variants');
    const key = `${seed} ${variant}`;
    if (seen.has(key)) refuse(`runs[${i}]`, 'another run than those before');
    seen.add(key);
  });
}

/**
 * @param {File} file
 * @returns {Promise<StudyResults>}
 * @throws {ResultsError}
 */
export async function readResultsFile(file) {
  if (file.size > maxBytes) {
    throw new ResultsError(
      `${file.name} has ${Math.round(file.size / 1e6)} MB; results have at most ${maxBytes / 1e6} MB.`,
    );
  }
  return readResults(file.name, await file.text());
}
