/**
 * The folder of a study's results: the study, a file for each run, and what is made of them. Files are written whole or not
 * at all, so that whatever ends the work leaves runs that are finished and runs that are not.
 *
 * @module
 */
import { join } from 'node:path';
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
      throw fileError('cannot write', this.path, error);
    }
  }

  /** @returns {Promise<Record | null>} null if there is none */
  async readRecord() {
    return /** @type {any} */ (await this.#readJSON('study.json'));
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
      if (typeof result?.variant !== 'string' || typeof result.fingerprint !== 'string')
        throw new CommandError(`${this.runPlace(id)} is not a finished run; delete it to run it again`);
      this.results.set(id, result);
      this.files.set(id, await readBytes(this.runPlace(id), this.#fs));
    }
    const times = /** @type {Times | null} */ (await this.#readJSON('machine.json'));
    if (Array.isArray(times?.machines) && Array.isArray(times.runs)) this.times = times;
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
   * A finished run: its parameters first, so that a run that is there has all that belongs to it.
   *
   * @param {string} id
   * @param {{ result: RunResult, checkpoint: Uint8Array | null, seconds: number }} finished
   * @param {string} machine
   */
  async writeRun(id, { result, checkpoint, seconds }, machine) {
    if (checkpoint) await this.writeCheckpoint(id, checkpoint);
    const bytes = encoder.encode(formatResults(result));
    await this.#writeBytes(this.runPlace(id), bytes);
    this.results.set(id, result);
    this.files.set(id, bytes);
    const { variant, seed } = result;
    this.addTimes({
      machines: [machine],
      runs: [{ id, variant, seed, seconds: Number(seconds.toFixed(2)), machine: 0 }],
    });
    await this.write('machine.json', formatResults(this.times));
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
    const results = makeResults(study, data, (id) => this.results.get(id));
    await this.write('results.json', formatResults(results));
    await this.write('report.md', writeReport(results, this.times));
    if (this.times.runs.length > 0) await this.write('machine.json', formatResults(this.times));
    return results;
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
