/**
 * `hyperrouter-wasm study`: runs a study, joins its parts, and writes its report.
 *
 * @module
 */

import { randomUUID } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { writeReport } from '../study/index.js';
import { CommandError, usageError } from './errors.js';
import { Lock } from './files/lock.js';
import { checkNeeded } from './options.js';
import { printable } from './output.js';
import { findBaseResults, wantedBaseRuns } from './study/base.js';
import { execute } from './study/execute.js';
import { checkSame, StudyFolder } from './study/folder.js';
import { mergeStudies } from './study/merge.js';
import { isNeeded, openStudy, reread } from './study/open.js';

/**
 * @typedef {import('./system.js').System} System
 * @typedef {import('./study/folder.js').Record} Record
 * @typedef {import('./study/open.js').Opened} Opened
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
 * The results of the study that another one is fine-tuned from: those that are there already, or else its runs are executed
 * first.
 *
 * @param {Opened} opened
 * @param {StudyOptions} options
 * @param {System} system
 * @returns {Promise<StudyFolder | null>} null: it was interrupted
 */
async function openBase({ study, base, baseFile, record }, options, system) {
  if (!base || !baseFile) return null;
  const wanted = wantedBaseRuns(study, base);
  const found = await findBaseResults(base.name, record.base, wanted, options, system);
  if (found) return found;
  await system.messages.tell('note', `the study "${base.name}", which it is fine-tuned from, is run first`);
  const inner = {
    ...options,
    out: join(options.out, 'from'),
    resume: true,
    shard: undefined,
    from: undefined,
  };
  const ours = new Set(wanted.map(({ variant, seed }) => `${variant} ${seed}`));
  return runStudy(baseFile.path, inner, system, {
    needed: ({ variant, seed }) => ours.has(`${variant} ${seed}`),
    save: true,
  });
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
