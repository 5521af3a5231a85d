/** Markdown, as far as tests read it. */
import { readdirSync, readFileSync } from 'node:fs';

const ROOT = new URL('../../', import.meta.url);

/** @typedef {{ path: string, text: string }} Document path from the root of the repository */

/** @param {string} path @returns {Document} */
export const readDocument = (path) => ({ path, text: readFileSync(new URL(path, ROOT), 'utf8') });

/** What users read: README.md and the guides. @returns {Document[]} */
export function readDocuments() {
  const guides = readdirSync(new URL('demo/guides/', ROOT)).filter((name) => name.endsWith('.md'));
  return [readDocument('README.md'), ...guides.map((name) => readDocument(`demo/guides/${name}`))];
}

/**
 * @param {string} markdown
 * @param {string} language
 * @returns {string[]} the code blocks of a language
 */
export function blocks(markdown, language) {
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter((match) => match[1] === language)
    .map((match) => match[2]);
}

/** @param {string} markdown @returns {string[]} what stands in backquotes */
export function inlineCode(markdown) {
  return [...markdown.replace(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1]);
}

/**
 * @param {string} markdown
 * @returns {string[]} the anchors of its headings, as GitHub makes them
 */
export function anchors(markdown) {
  return [...markdown.replace(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
    return heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-');
  });
}

const IMPORT = /^import \{ (.+) \} from '(.+)';\n/gm;
const IMPORT_ALL = /^import \* as .+;\n/gm;

/**
 * One module of many samples: the first as it is, the others behind it, each in a block of its own.
 * @param {string[]} samples
 */
export function inOne([first, ...others]) {
  /** @type {Map<string, Set<string>>} */
  const imports = new Map();
  for (const [, names, from] of others.flatMap((sample) => [...sample.matchAll(IMPORT)])) {
    imports.set(from, new Set([...(imports.get(from) ?? []), ...names.split(', ')]));
  }
  const lines = [...imports].map(([from, names]) => `import { ${[...names].join(', ')} } from '${from}';\n`);
  const whole = others.flatMap((sample) => sample.match(IMPORT_ALL) ?? []);
  const bodies = others.map((sample) => `{\n${sample.replace(IMPORT, '').replace(IMPORT_ALL, '')}}\n`);
  return [...lines, ...whole, first, ...bodies].join('');
}
