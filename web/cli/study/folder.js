/**
 * The folder of a study's results: the study, a file for each run, and what is made of them. Files are written whole or not
 * at all, so that whatever ends the work leaves runs that are finished and runs that are not.
 *
 * @module
 */
import { join } from 'node:path';
import { isObject } from '../../check.js';
import { checkResult } from '../../study/arguments.js';
import { formatResults, makeResults, writeReport } from '../../study/index.js';
import { CommandError, fileError, usageError } from '../errors.js';
import { readBytes } from '../files/read.js';
import { codeOf, writeWhole } from '../files/write.js';

/**
 * @typedef {import('../files/read.js').FileSystem} FileSystem
 * @typedef {import('../../study/types.js').Study} Study
 * @typedef {import('../../study/types.js').StudyRun} StudyRun
 * @typedef {import('../../study/types.js').RunResult} RunResult
 * @typedef {import('../../study/types.js').DataFile} DataFile
 * @typedef {import('../../study/types.js').Times} Times
 */

/**
 * What a folder was begun with.
 *
 * @typedef {object} Record
 * @property {any} study   as read
 * @property {any} [base]  the study that its runs are fine-tuned from
 * @property {DataFile[]} data
 */

const encoder = new TextEncoder();

/** A folder of results. */
export class StudyFolder {
  #fs;

  /**
   * @param {string} path
   * @param {FileSystem} fs
   */
  constructor(path, fs) {
    this.path = path;
    this.#fs = fs;
    /** @type {Map<string, RunResult>} */
    this.results = new Map();
    /** The bytes of the files of runs, by name. @type {Map<string, Uint8Array>} */
    this.files = new Map();
    /** @type {Times} */
    this.times = { machines: [], runs: [] };
    /** Finished runs that could not be written yet. @type {Map<string, { bytes: Uint8Array, checkpoint: Uint8Array | null }>} */
    this.unwritten = new Map();
  }

  /** @param {string} name */
  place(name) {
    return join(this.path, name);
  }

  /** @param {string} id */
  runPlace(id) {
    return this.place(join('runs', `${id}.json`));
  }

  /** @param {string} id */
  checkpointPlace(id) {
    return this.place(join('checkpoints', `${id}.safetensors`));
  }

  async create() {
    try {
      for (const name of ['', 'runs']) await this.#fs.mkdir(this.place(name), { recursive: true });
    } catch (error) {
      // Node calls it missing also where the disk is read-only.
      const plain = await this.#fs.mkdir(this.path).catch((cause) => cause);
      throw fileError('cannot write', this.path, codeOf(error) === 'ENOENT' && plain ? plain : error);
    }
  }

  /** @returns {Promise<Record | null>} null if there is none */
  async readRecord() {
    const record = /** @type {any} */ (await this.#readJSON('study.json'));
    const whole = isObject(record?.study) && Array.isArray(record.data) && record.data.every(isObject);
    if (record === null || whole) return record;
    // It may be the file that describes a study.
    throw usageError(`${this.place('study.json')} is not what a study writes there: use another folder`);
  }

  /** @param {Record} record */
  async writeRecord(record) {
    await this.write('study.json', formatResults(record));
  }

  /**
   * @param {string} name
   * @returns {Promise<unknown>} null if there is no such file
   */
  async #readJSON(name) {
    const text = await this.#fs.readFile(this.place(name), 'utf8').catch((error) => {
      if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return null;
      throw fileError('cannot read', this.place(name), error);
    });
    if (text === null) return null;
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new CommandError(`${this.place(name)} is damaged: it is not JSON; delete it to run it again`, {
        cause,
      });
    }
  }

  /** Reads the results of finished runs, and how long they took. */
  async readRuns() {
    const names = await this.#fs.readdir(this.place('runs')).catch((error) => {
      if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return /** @type {string[]} */ ([]);
      throw fileError('cannot read', this.place('runs'), error);
    });
    for (const name of names.filter((name) => name.endsWith('.json') && !name.startsWith('.')).sort()) {
      const id = name.slice(0, -'.json'.length);
      const result = /** @type {RunResult} */ (await this.#readJSON(join('runs', name)));
      if (!isRun(result))
        throw new CommandError(`${this.runPlace(id)} is not a finished run; delete it to run it again`);
      this.results.set(id, result);
      this.files.set(id, await readBytes(this.runPlace(id), this.#fs));
    }
    const times = await this.#readJSON('machine.json');
    if (areTimes(times)) this.times = times;
  }

  /** @returns {Promise<Set<string>>} ids of runs whose parameters are kept */
  async listCheckpoints() {
    const names = await this.#fs.readdir(this.place('checkpoints')).catch(() => /** @type {string[]} */ ([]));
    return new Set(
      names
        .filter((name) => /^[^.].*\.safetensors$/.test(name))
        .map((name) => name.replace(/\.safetensors$/, '')),
    );
  }

  /** @param {string} id */
  readCheckpoint(id) {
    return readBytes(this.checkpointPlace(id), this.#fs);
  }

  /**
   * @param {string} id
   * @param {Uint8Array} bytes
   */
  async writeCheckpoint(id, bytes) {
    await this.#fs.mkdir(this.place('checkpoints'), { recursive: true }).catch((error) => {
      throw fileError('cannot write', this.place('checkpoints'), error);
    });
    await this.#writeBytes(this.checkpointPlace(id), bytes);
  }

  /**
   * A finished run. If it cannot be written, it is kept for the next time.
   *
   * @param {string} id
   * @param {{ result: RunResult, checkpoint: Uint8Array | null, seconds: number }} finished
   * @param {string} machine
   */
  async writeRun(id, { result, checkpoint, seconds }, machine) {
    const bytes = encoder.encode(formatResults(result));
    this.unwritten.set(id, { bytes, checkpoint });
    this.results.set(id, result);
    this.files.set(id, bytes);
    const { variant, seed } = result;
    this.addTimes({
      machines: [machine],
      runs: [{ id, variant, seed, seconds: Number(seconds.toFixed(2)), machine: 0 }],
    });
    await this.writeRuns(this.unwritten);
  }

  /**
   * Writes runs: their parameters first, so that a run that is there has all that belongs to it.
   *
   * @param {StudyFolder['unwritten']} runs  from which those that are written are removed
   */
  async writeRuns(runs) {
    for (const [id, { bytes, checkpoint }] of runs) {
      if (checkpoint) await this.writeCheckpoint(id, checkpoint);
      await this.#writeBytes(this.runPlace(id), bytes);
      runs.delete(id);
    }
    if (this.times.runs.length > 0) await this.write('machine.json', formatResults(this.times));
  }

  /**
   * Writes what is known and not there: of a folder that was full, or that somebody removed.
   *
   * @param {Record} record
   */
  async restore(record) {
    await this.create();
    if ((await this.readRecord()) === null) await this.writeRecord(record);
    await this.writeRuns(this.unwritten);
    for (const [id, bytes] of this.files) {
      const there = await this.#fs.stat(this.runPlace(id)).catch(() => null);
      if (!there) await this.#writeBytes(this.runPlace(id), bytes);
    }
  }

  /** @param {Times} more */
  addTimes({ machines, runs }) {
    const all = [...new Set([...this.times.machines, ...machines])];
    const others = this.times.runs.filter(({ id }) => !runs.some((run) => run.id === id));
    const added = runs.map((run) => ({ ...run, machine: all.indexOf(machines[run.machine]) }));
    this.times = { machines: all, runs: [...others, ...added].sort((a, b) => (a.id < b.id ? -1 : 1)) };
  }

  /**
   * @param {string} id
   * @param {Uint8Array} bytes  of another folder's file of the run
   */
  async copyRun(id, bytes) {
    await this.#writeBytes(this.runPlace(id), bytes);
  }

  /**
   * Writes `results.json` and `report.md`.
   *
   * @param {Study} study
   * @param {DataFile[]} data
   */
  async writeResults(study, data) {
    const { results, report } = this.#resultsOf(study, data);
    await this.write('results.json', formatResults(results));
    await this.write('report.md', report);
    if (this.times.runs.length > 0) await this.write('machine.json', formatResults(this.times));
    return results;
  }

  /** @param {Study} study @param {DataFile[]} data */
  #resultsOf(study, data) {
    try {
      const results = makeResults(study, data, (id) => this.results.get(id));
      return { results, report: writeReport(results, this.times) };
    } catch (cause) {
      throw new CommandError(`a file in ${this.place('runs')} is damaged; delete it to run it again`, {
        cause,
      });
    }
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  async write(name, text) {
    await this.#writeBytes(this.place(name), encoder.encode(text));
  }

  /**
   * @param {string} place
   * @param {Uint8Array} bytes
   */
  async #writeBytes(place, bytes) {
    await writeWhole(place, bytes, this.#fs);
  }

  /** Removes what a killed run left of files that it was writing. Only whoever holds the lock may do this. */
  async removeTemporaries() {
    for (const folder of ['', 'runs', 'checkpoints']) {
      const names = await this.#fs.readdir(this.place(folder)).catch(() => /** @type {string[]} */ ([]));
      for (const name of names) {
        if (/^\.hyperrouter-\w{12}-\w{12}\.tmp$/.test(name))
          await this.#fs.unlink(this.place(join(folder, name))).catch(() => {});
      }
    }
  }
}

/** @param {unknown} result @returns {result is RunResult} */
function isRun(result) {
  try {
    return checkResult('result', result) !== null;
  } catch {
    return false;
  }
}

/** @param {unknown} times @returns {times is Times} */
function areTimes(times) {
  return (
    isObject(times) &&
    [times.machines, times.runs].every(Array.isArray) &&
    times.machines.every((/** @type {unknown} */ machine) => typeof machine === 'string') &&
    times.runs.every(
      (/** @type {any} */ run) => isObject(run) && typeof run.id === 'string' && run.seconds >= 0,
    )
  );
}

/**
 * Refuses to go on with other settings or data than a folder was begun with.
 *
 * @param {string} path
 * @param {Record} before
 * @param {Record} now
 */
export function checkSame(path, before, now) {
  for (const part of /** @type {const} */ (['study', 'base'])) {
    const [one, other] = [before[part] ?? {}, now[part] ?? {}];
    const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
    const different = keys.find((key) => JSON.stringify(one[key]) !== JSON.stringify(other[key]));
    if (different === undefined) continue;
    throw usageError(
      `${path} has runs of another study: ${part === 'base' ? 'in the study that it is fine-tuned from, ' : 'its study.'}${different} was ` +
        `${shown(one[different])}, and is ${shown(other[different])}; choose another --out`,
    );
  }
  for (const file of now.data) {
    const old = before.data.find((candidate) => candidate.file === file.file);
    if (old?.sha256 !== file.sha256)
      throw usageError(`${path} has runs with other data: ${file.file} has changed; choose another --out`);
  }
}

/** @param {unknown} value */
function shown(value) {
  const text = value === undefined ? 'left out' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
