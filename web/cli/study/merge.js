/** Joining the results of the parts of a study. */
import { join, resolve } from 'node:path';
import { CommandError, usageError } from '../errors.js';
import { Lock } from '../files/lock.js';
import { printable } from '../output.js';
import { checkSame, StudyFolder } from './folder.js';
import { reread } from './open.js';

/** @typedef {import('../system.js').System} System */

/**
 * @param {readonly string[]} paths
 * @param {string} out
 * @param {System} system
 */
export async function mergeStudies(paths, out, system) {
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
          const { variant, seed } = /** @type {import('../../study/types.js').RunResult} */ (
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
