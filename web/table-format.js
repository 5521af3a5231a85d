/** The formats of labelled texts, by the endings of their files: the same for the command line and for studies. */

/** @type {Record<string, 'csv' | 'tsv' | 'jsonl'>} */
const FORMATS = { csv: 'csv', tsv: 'tsv', tab: 'tsv', txt: 'tsv', jsonl: 'jsonl', ndjson: 'jsonl' };

/** The endings in words. */
export const ENDINGS = '.csv, .tsv, .tab or .txt (tab-separated), .jsonl or .ndjson';

/**
 * @param {string} path
 * @returns {'csv' | 'tsv' | 'jsonl' | undefined} undefined: its ending says nothing
 */
export function formatOfName(path) {
  const ending = /\.([^./\\]+)$/.exec(path)?.[1].toLowerCase() ?? '';
  return Object.hasOwn(FORMATS, ending) ? FORMATS[ending] : undefined;
}
