/** The runs of the study that another one is fine-tuned from. */
import { dirname, join, resolve } from 'node:path';
import { makeRun } from '../../study/study.js';
import { usageError } from '../errors.js';
import { StudyFolder } from './folder.js';

/**
 * @typedef {import('../system.js').System} System
 * @typedef {import('../../study/types.js').Study} Study
 * @typedef {import('../../study/types.js').StudyRun} StudyRun
 * @typedef {import('../study.js').StudyOptions} StudyOptions
 */

/**
 * Results of the base study with the parameters of its runs: those that --from names, or those beside the results of the
 * study.
 *
 * @param {string} name  of the base study
 * @param {unknown} json  the base study
 * @param {StudyRun[]} wanted
 * @param {StudyOptions} options
 * @param {System} system
 * @returns {Promise<StudyFolder | null>} null: there are none beside the results
 */
export async function findBaseResults(name, json, wanted, { from, out }, system) {
  if (from !== undefined) {
    const folder = await baseFolder(from, json, wanted, system);
    if (folder) return folder;
    throw usageError(
      `--from ${from} must be the results of the study "${name}", with the parameters of its runs: they are kept with "save": true`,
    );
  }
  const beside = dirname(resolve(out));
  const places = await system.fs.readdir(beside).catch(() => /** @type {string[]} */ ([]));
  for (const place of places.sort()) {
    const folder = await baseFolder(join(beside, place), json, wanted, system);
    if (folder) return folder;
  }
  return null;
}

/**
 * The runs of the base study that those of a study begin with.
 *
 * @param {Study} study
 * @param {Study} base
 * @returns {StudyRun[]}
 */
export function wantedBaseRuns(study, base) {
  const seeds = [
    ...study.seeds,
    ...(study.tune ? study.tune.seeds.map((_, i) => baseSeed(study, base, i)) : []),
  ];
  return base.variants
    .filter(({ label }) => study.variants.some((variant) => variant.label === label))
    .flatMap((variant) => [...new Set(seeds)].map((seed) => makeRun(base, variant, seed)));
}

/**
 * @param {string} path
 * @param {unknown} json  the base study
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

/**
 * The seed of the run that a run of the tuning begins with, whose own seed the other study does not have.
 *
 * @param {Study} study
 * @param {Study} base
 * @param {number} index  of the seed among those of the tuning
 */
export function baseSeed(study, base, index) {
  const others = base.seeds.filter((seed) => !study.seeds.includes(seed));
  const seeds = others.length > 0 ? others : base.seeds;
  return seeds[index % seeds.length];
}
