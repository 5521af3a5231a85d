import { nameOf } from './numbers.js';
import { readResults } from './read.js';

/** The studies whose results are in the repository, by the name of their folder. */
const found = /** @type {Record<string, string>} */ (
  import.meta.glob('../studies/*/results.json', { query: '?url', import: 'default', eager: true })
);

/** @type {ReadonlyMap<string, string>} addresses by name */
export const studies = new Map(
  Object.entries(found).map(([path, url]) => [String(path.split('/').at(-2)), url]),
);

/**
 * @param {string} name of a folder
 * @returns {Promise<import('./read.js').StudyResults>}
 */
export async function repositoryResults(name) {
  const url = studies.get(name);
  if (!url) throw new RangeError(`there is no study “${name}”; there are ${[...studies.keys()].join(', ')}`);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the results of ${name} could not be loaded: ${response.status}`);
  return readResults(`${name}/results.json`, await response.text());
}

/**
 * @param {string} name that a study has itself
 * @returns {Promise<import('./read.js').StudyResults | null>} null: there is none in the repository
 */
export async function findStudy(name) {
  // Usually its folder has the same name.
  const folders = [...studies.keys()].sort((a, b) => Number(b === name) - Number(a === name));
  for (const folder of folders) {
    const results = await repositoryResults(folder);
    if (nameOf(results) === name) return results;
  }
  return null;
}
