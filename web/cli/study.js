/**
 * `hyperrouter-wasm study`: runs a study, joins its parts, and writes its report.
 *
 * @module
 */

import { randomUUID } from 'node:crypto';
import { availableParallelism, cpus } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { load } from '../index.js';
import { faultOfJson, quote } from '../message.js';
import { describeFile, filesOf, planRuns, readData, readStudy, writeReport } from '../study/index.js';
import { isCheckpoint, makeRun } from '../study/study.js';
import { CommandError, USAGE, usageError } from './errors.js';
import { Lock } from './files/lock.js';
import { MAX_JSON_BYTES, readBytes } from './files/read.js';
import { Interrupt } from './interrupt.js';
import { checkNeeded } from './options.js';
import { printable } from './output.js';
import { clock, StatusLine } from './progress.js';
import { checkSame, StudyFolder } from './study/folder.js';
import { Pool } from './study/pool.js';

/**
 * @typedef {import('./system.js').System} System
 * @typedef {import('../study/types.js').Study} Study
 * @typedef {import('../study/types.js').StudyRun} StudyRun
 * @typedef {import('./study/folder.js').Record} Record
 */

/**
 * @typedef {object} StudyOptions
 * @property {string} out
 * @property {number} [jobs]
 * @property {{ part: number, of: number }} [shard]
 * @property {boolean} [resume]
 * @property {string} [from]
 */

/** Between the attempts to write what could not be written before. */
const PAUSES_MS = [0, 1000, 4000];

const EXAMPLES = `
Examples:
  $ npx hyperrouter-wasm study routers.json --out routers
  $ npx hyperrouter-wasm study routers.json --out routers --resume
  $ npx hyperrouter-wasm study routers.json --out part3 --shard 3/16
  $ npx hyperrouter-wasm study merge part1 part2 part3 --out routers
  $ npx hyperrouter-wasm study report routers

Ctrl-C ends it at once, and so may anything else: finished runs are kept, and --resume continues.
The guide on studies (demo/guides/studies.md) describes the file.`;

/** @param {string} text */
function parseShard(text) {
  const [, part, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { part: Number(part), of: Number(of) };
  if (!(shard.part >= 1 && shard.part <= shard.of))
    throw new InvalidArgumentError('It must be the number of this part and that of all parts, such as 3/16.');
  return shard;
}

/** @param {string} text */
function parseJobs(text) {
  const jobs = text.trim() === '' ? NaN : Number(text);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 256)
    throw new InvalidArgumentError('It must be an integer from 1 to 256.');
  return jobs;
}

/**
 * @param {import('commander').Command} program
 * @param {System} system
 */
export function addStudyCommand(program, system) {
  const study = program
    .command('study')
    .enablePositionalOptions()
    .summary('run a study: variants of a model, with seeds and intervals')
    .description(
      'Trains and measures every variant of a study with every seed, several at a time, and writes the results.',
    )
    .argument('<file>', 'The study (JSON); paths in it are relative to it')
    .option('--out <folder>', 'Folder for results.json, report.md, and a file for each run (required)')
    .option('--jobs <n>', 'Runs at a time; by default one per core', parseJobs)
    .option('--shard <i/n>', 'Run only the i-th of n parts; `study merge` joins them', parseShard)
    .option('--resume', 'Continue: keep the finished runs of the folder')
    .option(
      '--from <folder>',
      'Results of the study that "from" names; by default found beside --out, or run first',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (file, options) => {
      checkNeeded(options, ['out']);
      await runStudy(file, options, system);
    });
  const merge = study
    .command('merge')
    .summary('join the results of parts')
    .description(
      'Joins the results of parts of a study (--shard). A run that is in several must be the same in all.',
    )
    .argument('<folders...>', 'Folders of results')
    .option('--out <folder>', 'Folder for the joined results')
    .action((folders, options) => {
      checkNeeded(options, ['out']);
      return mergeStudies(folders, options.out, system);
    });
  const report = study
    .command('report')
    .summary('write the report again')
    .description('Writes report.md, and results.json from the finished runs, again.')
    .argument('<folder>', 'Folder of results')
    .action((folder) => reportStudy(folder, system));
  for (const command of [merge, report]) command.option('--verbose', 'Print the full error with its stack');
}

/**
 * @param {string} path
 * @param {System} system
 */
async function readStudyFile(path, { fs }) {
  const text = new TextDecoder().decode(await readBytes(path, fs, MAX_JSON_BYTES));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandError(`${path} is not JSON${faultOfJson(text, cause)}`, {
      exitCode: USAGE,
      cause,
    });
  }
}

/**
 * @param {string} path  of the study
 * @param {any} json
 * @param {System} system
 * @returns {Promise<{ path: string, json: any } | null>} the study that it is fine-tuned from
 */
async function findBase(path, json, system) {
  const from = json?.from;
  if (typeof from !== 'string' || isCheckpoint(from)) return null;
  const named = (await studiesBeside(path, system)).filter(
    ({ name, json: { name: own } }) => own === from || name === `${from}.json`,
  );
  if (named.length > 1) {
    const places = named.map((candidate) => candidate.path).join(' and ');
    throw usageError(`study.from is ${quote(from)}, which are two studies: ${places}`);
  }
  if (named.length === 1) return named[0];
  throw usageError(
    `study.from must be a checkpoint (.safetensors) or the name of a study in the folder of ${path}, got ${quote(from)}`,
  );
}

/**
 * @param {string} path
 * @param {System} system
 * @returns {Promise<{ name: string, path: string, json: any }[]>} other JSON files with data in the folder of a study
 */
async function studiesBeside(path, system) {
  const folder = dirname(path);
  const names = (await system.fs.readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const found = [];
  for (const name of names) {
    const place = join(folder, name);
    if (resolve(place) === resolve(path)) continue;
    const json = await readStudyFile(place, system).catch(() => null);
    if (json?.data !== undefined) found.push({ name, path: place, json });
  }
  return found;
}

/**
 * What the engine or the package refuses of a study, as an error of the command line.
 *
 * @template T
 * @param {string} path
 * @param {() => T} read
 * @returns {T}
 */
function inFile(path, read) {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new CommandError(`${path}: ${error.message}`, { exitCode: USAGE, cause: error });
  }
}

/**
 * @typedef {object} Opened
 * @property {Study} study
 * @property {Study | undefined} base
 * @property {{ path: string, json: any } | null} baseFile
 * @property {Record} record
 * @property {{ [path: string]: Uint8Array }} files
 */

/**
 * @param {string} path
 * @param {System} system
 * @returns {Promise<Opened>}
 */
async function openStudy(path, system) {
  const json = await readStudyFile(path, system);
  const baseFile = await findBase(path, json, system);
  const engine = await load({ variant: 'simd' });
  try {
    const base = baseFile ? inFile(baseFile.path, () => readStudy(baseFile.json, engine)) : undefined;
    const study = inFile(path, () => readStudy(json, engine, { base }));
    /** @type {{ [path: string]: Uint8Array }} */
    const files = {};
    for (const file of filesOf(study)) files[file] = await readBytes(join(dirname(path), file), system.fs);
    inFile(path, () => readData(study, files));
    const data = await Promise.all(Object.entries(files).map(([file, bytes]) => describeFile(file, bytes)));
    const record = { study: json, ...(baseFile && { base: baseFile.json }), data };
    return { study, base, baseFile, record, files };
  } finally {
    engine.dispose();
  }
}

/**
 * @param {string} path
 * @param {StudyOptions} options
 * @param {System} system
 * @param {{ needed?: (run: { variant: string, seed: number }) => boolean, save?: boolean }} [inner]  of a study that another one
 *   is fine-tuned from
 * @returns {Promise<StudyFolder | null>} null: it was interrupted
 */
async function runStudy(path, options, system, { needed = () => true, save = false } = {}) {
  const opened = await openStudy(path, system);
  const { study, record } = opened;
  const folder = new StudyFolder(options.out, system.fs);
  await folder.create();
  const lock = new Lock(folder.place('study.json'), system.fs);
  await lock.acquire(options.out);
  try {
    const before = await folder.readRecord();
    await folder.readRuns();
    if (before || folder.results.size > 0) {
      if (!options.resume) {
        const count = folder.results.size;
        throw usageError(
          `${options.out} has ${count === 1 ? 'a run' : `${count} runs`} of a study already; --resume continues it, or choose another --out`,
        );
      }
      if (before) checkSame(options.out, before, record);
    }
    await folder.removeTemporaries();
    await folder.writeRecord(record);
    const source = opened.base ? await openBase(opened, options, system) : null;
    if (opened.base && !source) return null;
    const kept = save || study.save || (await isNeeded(path, study, system));
    let finished = false;
    try {
      finished = await execute(opened, folder, { ...options, needed, kept, source }, system);
    } finally {
      await saveRest(folder, record, system);
    }
    const results = await folder.writeResults(study, record.data);
    if (!finished) return null;
    if (!save) await conclude(results, options, system);
    return folder;
  } finally {
    await lock.release();
  }
}

/**
 * Writes the runs that could not be written when they were finished, or else a folder of their own somewhere else.
 *
 * @param {StudyFolder} folder
 * @param {Record} record
 * @param {System} system
 */
async function saveRest(folder, record, system) {
  const { unwritten } = folder;
  /** @type {Error | undefined} */
  let problem;
  for (const pause of PAUSES_MS) {
    if (pause > 0) await system.wait(pause);
    try {
      return await folder.restore(record);
    } catch (error) {
      problem = /** @type {Error} */ (error);
      // All is there; what its machine and time were is not worth a wait.
      if (unwritten.size === 0) throw error;
    }
  }
  const count = unwritten.size === 1 ? 'a finished run is' : `${unwritten.size} finished runs are`;
  for (const shelter of system.shelters) {
    const path = join(shelter, `${basename(resolve(folder.path))}.rescued-${randomUUID().slice(0, 8)}`);
    const rescued = new StudyFolder(path, system.fs);
    rescued.addTimes(folder.times);
    const runs = new Map(unwritten);
    try {
      await rescued.create();
      await rescued.writeRecord(record);
      await rescued.writeRuns(runs);
    } catch {
      // There is no room either, unless all but the times was written.
    }
    if (runs.size > 0) continue;
    throw new CommandError(
      `${problem?.message}; ${count} in ${path}: \`study merge\` joins them with those of ${folder.path}`,
      { cause: problem },
    );
  }
  throw new CommandError(`${problem?.message}; ${count} lost`, { cause: problem });
}

/**
 * Whether another study of the folder is fine-tuned from this one.
 *
 * @param {string} path
 * @param {Study} study
 * @param {System} system
 */
async function isNeeded(path, { name }, system) {
  const others = await studiesBeside(path, system);
  const file = path.split(/[\\/]/).at(-1);
  return others.some(({ json }) => json.from === name || `${json.from}.json` === file);
}

/**
 * The parameters of the study that another one is fine-tuned from: those in a folder beside its results, or else its runs are
 * executed first.
 *
 * @param {Opened} opened
 * @param {StudyOptions} options
 * @param {System} system
 * @returns {Promise<StudyFolder | null>} null: it was interrupted
 */
async function openBase({ study, base, baseFile, record }, options, system) {
  if (!base || !baseFile) return null;
  const wanted = wantedBaseRuns(study, base);
  if (options.from !== undefined) {
    const folder = await baseFolder(options.from, record.base, wanted, system);
    if (folder) return folder;
    throw usageError(
      `--from ${options.from} must be the results of the study "${base.name}", with the parameters of its runs: they are kept with "save": true`,
    );
  }
  const beside = dirname(resolve(options.out));
  const names = await system.fs.readdir(beside).catch(() => /** @type {string[]} */ ([]));
  for (const name of names.sort()) {
    const folder = await baseFolder(join(beside, name), record.base, wanted, system);
    if (folder) return folder;
  }
  const inner = {
    ...options,
    out: join(options.out, 'from'),
    resume: true,
    shard: undefined,
    from: undefined,
  };
  await system.messages.tell('note', `the study "${base.name}", which it is fine-tuned from, is run first`);
  const ours = new Set(wanted.map(({ variant, seed }) => `${variant} ${seed}`));
  return runStudy(baseFile.path, inner, system, {
    needed: ({ variant, seed }) => ours.has(`${variant} ${seed}`),
    save: true,
  });
}

/** @param {Study} study @param {Study} base @returns {StudyRun[]} */
function wantedBaseRuns(study, base) {
  const seeds = [
    ...study.seeds,
    ...(study.tune ? study.tune.seeds.map((_, i) => baseSeed(study, base, i)) : []),
  ];
  return base.variants
    .filter(({ label }) => study.variants.some((variant) => variant.label === label))
    .flatMap((variant) => [...new Set(seeds)].map((seed) => makeRun(base, variant, seed)));
}

/**
 * The seed of the run that a run of the tuning begins with, whose own seed the other study does not have.
 *
 * @param {Study} study
 * @param {Study} base
 * @param {number} index  of the seed among those of the tuning
 */
function baseSeed(study, base, index) {
  const others = base.seeds.filter((seed) => !study.seeds.includes(seed));
  const seeds = others.length > 0 ? others : base.seeds;
  return seeds[index % seeds.length];
}

/**
 * @param {string} path
 * @param {any} json  the study
 * @param {StudyRun[]} wanted
 * @param {System} system
 */
async function baseFolder(path, json, wanted, system) {
  const folder = new StudyFolder(path, system.fs);
  const record = await folder.readRecord().catch(() => null);
  if (!record || JSON.stringify(record.study) !== JSON.stringify(json)) return null;
  const kept = await folder.listCheckpoints();
  return wanted.every(({ id }) => kept.has(id)) ? folder : null;
}

/** @returns {string} */
function describeMachine() {
  const [cpu] = cpus();
  const cores = availableParallelism();
  return `${cpu?.model.trim() ?? 'unknown processor'}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${process.platform} ${process.arch}, Node ${process.version}`;
}

/**
 * @param {Opened} opened
 * @param {StudyFolder} folder
 * @param {StudyOptions & { needed: (run: { variant: string, seed: number }) => boolean, kept: boolean, source: StudyFolder | null }} options
 * @param {System} system
 * @returns {Promise<boolean>} false: it was interrupted
 */
async function execute({ study, base, record, files }, folder, options, system) {
  const { shard = { part: 1, of: 1 }, source, kept, needed } = options;
  const isOurs = (/** @type {{ variant: number, seed: number }} */ { variant, seed }) => {
    // A variant is tuned as a whole.
    const index = study.tune ? variant : variant * study.seeds.length + seed;
    const run = { variant: study.variants[variant].label, seed: study.seeds[seed] };
    return index % shard.of === shard.part - 1 && needed(run);
  };
  const known = kept ? await folder.listCheckpoints() : null;
  // Without its parameters, a run that should have kept them is not finished.
  const finished = (/** @type {string} */ id) =>
    known && !id.startsWith('tune-') && !known.has(id) ? undefined : folder.results.get(id);
  const plan = () => planRuns(study, finished, isOurs);
  const first = plan();
  if (first.left === 0) return true;
  const jobs = Math.min(options.jobs ?? availableParallelism(), first.left);
  const pool = new Pool({ file: record.study, base: record.base, files });
  const interrupt = new Interrupt(system);
  const progress = new StudyProgress(system, { left: first.left, finished: folder.results.size, jobs });
  const machine = describeMachine();
  /** @type {Set<string>} */
  const running = new Set();
  /** @type {unknown} */
  let failure = null;
  try {
    await new Promise((resolve) => {
      const stop = () => resolve(null);
      interrupt.signal.addEventListener('abort', stop, { once: true });
      const next = () => {
        if (failure || interrupt.signal.aborted) return stop();
        const { runs, left } = plan();
        if (left === 0) return stop();
        for (const run of runs) {
          if (running.size === jobs) break;
          if (running.has(run.id)) continue;
          running.add(run.id);
          start(run).then(next, (error) => {
            failure = error;
            stop();
          });
        }
      };
      next();
    });
  } finally {
    await pool.end();
    progress.end();
    interrupt.release();
  }
  if (failure) throw failure;
  if (!interrupt.signal.aborted) return true;
  system.exitCode = interrupt.exitCode;
  const { left } = plan();
  await system.messages.tell(
    'note',
    `${interrupt.name}: stopped; ${left === 1 ? 'one run is' : `${left} runs are`} left. Continue with --resume`,
  );
  return false;

  /** @param {StudyRun} run */
  async function start(run) {
    const save = kept && run.tuning === null;
    const from = await startOf(run);
    const result = await pool.execute({ run, save, from }, (done) => progress.show(run, done));
    await folder.writeRun(run.id, result, machine).catch(async ({ message }) => {
      await system.messages.tell('warning', `${message}; the study goes on, and it is tried again`);
    });
    known?.add(run.id);
    running.delete(run.id);
    progress.finish(run, result, plan().left);
  }

  /** @param {StudyRun} run @returns {Promise<Uint8Array | undefined>} */
  async function startOf(run) {
    if (!source || !base) return isCheckpoint(study.from) ? files[String(study.from)] : undefined;
    const variant = base.variants.find(({ label }) => label === run.variant);
    if (!variant) throw new Error('unreachable');
    const seed = run.tuning ? baseSeed(study, base, study.tune?.seeds.indexOf(run.seed) ?? 0) : run.seed;
    return source.readCheckpoint(makeRun(base, variant, seed).id);
  }
}

/** Which runs are finished, how far the others are, and how long it will take. */
class StudyProgress {
  #line;
  #left;
  #startedAt = performance.now();
  #finished;
  #done = 0;
  /** @type {Map<string, { run: StudyRun, share: number }>} */
  #running = new Map();
  #shownAt = 0;

  /**
   * @param {System} system
   * @param {{ left: number, finished: number, jobs: number }} start
   */
  constructor(system, { left, finished, jobs }) {
    this.#line = new StatusLine(system.stderr);
    this.#finished = finished;
    this.#left = left;
    const before = finished > 0 ? `, ${finished} finished before` : '';
    this.#line.note(`${left} ${left === 1 ? 'run' : 'runs'}${before}; ${jobs} at a time`);
  }

  /**
   * @param {StudyRun} run
   * @param {{ step: number, steps: number }} done
   */
  show(run, { step, steps }) {
    this.#running.set(run.id, { run, share: step / steps });
    if (performance.now() - this.#shownAt < 200) return;
    this.#shownAt = performance.now();
    const each = [...this.#running.values()].map(
      ({ run, share }) => `${nameOf(run)} ${Math.round(100 * share)} %`,
    );
    this.#line.show(`${this.#finished} finished, ${this.#timeLeft()}; ${each.join('; ')}`);
  }

  #timeLeft() {
    const shares = [...this.#running.values()].reduce((sum, { share }) => sum + share, 0);
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const perRun = seconds / Math.max(this.#done + shares, 1e-3);
    return `${clock((this.#left - shares) * perRun)} left`;
  }

  /**
   * @param {StudyRun} run
   * @param {import('./study/pool.js').Finished} finished
   * @param {number} left runs that are not finished
   */
  finish(run, { result, seconds }, left) {
    this.#running.delete(run.id);
    this.#finished++;
    this.#done++;
    this.#left = left;
    const { loss, accuracy } = result.validation;
    const figures = result.diverged
      ? `diverged at step ${result.diverged}`
      : `loss ${loss?.toFixed(4)}${typeof accuracy === 'number' ? `, accuracy ${(100 * accuracy).toFixed(1)} %` : ''}`;
    const rest = left > 0 ? `; ${left} to go, ${this.#timeLeft()}` : '';
    this.#line.note(`${nameOf(run)}: ${figures} (${clock(seconds)})${rest}`);
  }

  end() {
    this.#line.clear();
  }
}

/** @param {StudyRun} run */
function nameOf({ variant, seed, tuning }) {
  const tried = tuning
    ? ` (tuning: ${Object.entries(tuning)
        .map(([key, value]) => `${key} ${value}`)
        .join(', ')})`
    : '';
  return `${variant}, seed ${seed}${tried}`;
}

/**
 * @param {import('../study/types.js').StudyResults} results
 * @param {StudyOptions} options
 * @param {System} system
 */
async function conclude({ runs, missing = [] }, { out, shard }, { stdout }) {
  const rest =
    missing.length > 0
      ? `; ${missing.length} runs are missing${shard ? `: the parts are joined by \`study merge\`` : ''}`
      : '';
  await stdout.write(
    printable(`${runs.length} runs: ${join(out, 'results.json')}, ${join(out, 'report.md')}${rest}\n`),
  );
}

/**
 * @param {readonly string[]} paths
 * @param {string} out
 * @param {System} system
 */
async function mergeStudies(paths, out, system) {
  const target = new StudyFolder(out, system.fs);
  const parts = [];
  for (const path of paths) {
    const folder = new StudyFolder(path, system.fs);
    const record = await folder.readRecord();
    if (!record) throw usageError(`${path} has no results of a study (study.json)`);
    await folder.readRuns();
    if (parts.length > 0) checkSame(paths[0], parts[0].record, record);
    parts.push({ path, folder, record });
  }
  if (paths.some((path) => resolve(path) === resolve(out)))
    throw usageError('--out must be another folder than those that are joined');
  await target.create();
  const lock = new Lock(target.place('study.json'), system.fs);
  await lock.acquire(out);
  try {
    if (await target.readRecord())
      throw usageError(`${out} has results of a study already; choose another --out`);
    const { record } = parts[0];
    /** @type {Map<string, string>} */
    const origin = new Map();
    let twice = 0;
    for (const { path, folder } of parts) {
      for (const [id, bytes] of folder.files) {
        const known = target.files.get(id);
        if (known && Buffer.compare(known, bytes) !== 0) {
          const { variant, seed } = /** @type {import('../study/types.js').RunResult} */ (
            folder.results.get(id)
          );
          throw new CommandError(
            `the run "${variant}", seed ${seed} (${id}), differs between ${origin.get(id)} and ${path}: ` +
              'one of them was changed, or written by another version',
          );
        }
        if (known) twice++;
        origin.set(id, path);
        target.files.set(id, bytes);
        target.results.set(id, /** @type {any} */ (folder.results.get(id)));
      }
      target.addTimes(folder.times);
    }
    for (const [id, bytes] of target.files) await target.copyRun(id, bytes);
    for (const { folder } of parts) {
      for (const id of await folder.listCheckpoints())
        await target.writeCheckpoint(id, await folder.readCheckpoint(id));
    }
    await target.writeRecord(record);
    const study = await reread(parts[0].path, record);
    const results = await target.writeResults(study, record.data);
    const equal = twice > 0 ? `${twice} of them in several parts, with the same bytes; ` : '';
    const { runs, missing = [] } = results;
    const left = missing.length > 0 ? `${missing.length} are missing; ` : '';
    const places = `${join(out, 'results.json')}, ${join(out, 'report.md')}`;
    await system.stdout.write(printable(`${runs.length} runs; ${equal}${left}${places}\n`));
  } finally {
    await lock.release();
  }
}

/** @param {string} path @param {Record} record @returns {Promise<Study>} */
async function reread(path, { study, base }) {
  const engine = await load({ variant: 'simd' });
  try {
    return inFile(join(path, 'study.json'), () =>
      readStudy(study, engine, { base: base && readStudy(base, engine) }),
    );
  } finally {
    engine.dispose();
  }
}

/**
 * @param {string} text  of results.json
 * @param {StudyFolder} folder
 */
function reportOf(text, folder) {
  try {
    return writeReport(JSON.parse(text), folder.times);
  } catch (cause) {
    throw new CommandError(`${folder.place('results.json')} does not have the results of a study`, { cause });
  }
}

/**
 * @param {string} path
 * @param {System} system
 */
async function reportStudy(path, system) {
  const folder = new StudyFolder(path, system.fs);
  const record = await folder.readRecord();
  await folder.readRuns();
  if (record && folder.results.size > 0) {
    await folder.writeResults(await reread(path, record), record.data);
  } else {
    const text = await system.fs.readFile(folder.place('results.json'), 'utf8').catch(() => {
      throw usageError(`${path} has neither runs of a study nor results.json`);
    });
    await folder.write('report.md', reportOf(text, folder));
  }
  await system.stdout.write(printable(`${folder.place('report.md')}\n`));
}
