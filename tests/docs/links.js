/** Links of a folder of HTML. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/**
 * @param {string} folder
 * @returns {{ count: number, dead: string[] }} the number of links within the folder, and those that lead nowhere, or to
 *   no element of their page
 */
export function checkLinks(folder) {
  const base = pathToFileURL(`${folder}/`);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  /** Of files that have elements. @type {Map<string, string>} */
  const texts = new Map(
    names
      .filter((name) => /\.(html|svg)$/.test(name))
      .map((name) => [new URL(name, base).href, readFileSync(new URL(name, base), 'utf8')]),
  );
  let count = 0;
  /** @type {string[]} */
  const dead = [];
  for (const [page, text] of texts) {
    for (const [, quoted] of text.matchAll(/\s(?:href|src)="([^"]*)"/g)) {
      const url = new URL(quoted.replaceAll('&amp;', '&'), page);
      if (url.protocol !== 'file:') continue;
      count++;
      const id = decodeURIComponent(url.hash.slice(1));
      url.hash = url.search = '';
      const isThere = url.href.startsWith(base.href) && !url.href.endsWith('/') && existsSync(url);
      // What follows # in a link to the page itself is the state of the page.
      const isPage = id.includes('=');
      if (!isThere || (id && !isPage && !texts.get(url.href)?.includes(` id="${id}"`)))
        dead.push(`${page.slice(base.href.length)}: ${quoted}`);
    }
  }
  return { count, dead };
}
