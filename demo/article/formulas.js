import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import katex from 'katex';

/**
 * Formulas are set when the page is built, as MathML: no library is loaded for them, and they are there without
 * scripts.
 */

const articleFile = fileURLToPath(new URL('./article.html', import.meta.url));
const place = '<!-- article -->';

/**
 * @param {string} tex
 * @param {string} words the formula as it is read out
 * @param {{ display?: boolean }} [options] display: on a line of its own
 * @returns {string} a `math` element
 */
export function formula(tex, words, { display = false } = {}) {
  const html = katex.renderToString(tex, {
    output: 'mathml',
    displayMode: display,
    throwOnError: true,
    strict: true,
  });
  const math = html.slice(html.indexOf('<math'), html.lastIndexOf('</math>') + '</math>'.length);
  // The policy of the page allows no style attributes, and the source would be read out after the formula. Of the
  // variants of letters, browsers know only those that are letters of their own.
  const bare = math
    .replace(/<annotation[^>]*>.*?<\/annotation>/gs, '')
    .replace(/ style="[^"]*"/g, '')
    .replace(/<\/?semantics>/g, '')
    .replaceAll('<mi mathvariant="double-struck">R</mi>', '<mi>ℝ</mi>');
  return bare.replace('<math', `<math role="math" aria-label="${escaped(words)}"`);
}

/** @param {string} text */
const escaped = (text) => text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');

/**
 * A formula in a file: its first line is a comment with the words.
 *
 * @param {string} source
 */
export function formulaOfFile(source) {
  const [first, ...rest] = source.trim().split('\n');
  if (!first.startsWith('% '))
    throw new SyntaxError('a formula’s first line must be a comment that says it in words');
  return formula(rest.join('\n'), first.slice(2), { display: true });
}

/**
 * Sets the formulas of a page: `<x-tex words="…">…</x-tex>`, with `display` for one on a line of its own.
 *
 * @param {string} html
 * @throws {SyntaxError} if one is written otherwise: it would stand in the page as it is, or without words
 */
export function setFormulas(html) {
  const set = html.replace(/<x-tex words="([^"]+)"( display)?>(.*?)<\/x-tex>/gs, (_, words, display, tex) =>
    formula(tex.replace(/&lt;/g, '<').replace(/&amp;/g, '&'), words, { display: Boolean(display) }),
  );
  const [left] = set.match(/<\/?x-tex[^>]*>/) ?? [];
  if (left) throw new SyntaxError(`a formula is <x-tex words="…" display>…</x-tex>, not ${left}`);
  return set;
}

/**
 * Puts the article into the page, where that says so.
 *
 * @param {string} page
 * @param {string} article with formulas that are not set yet
 */
export function withArticle(page, article) {
  if (!page.includes(place)) throw new SyntaxError(`the page has no ${place}`);
  // A function, because in a string `$` would be read as a pattern.
  return page.replace(place, () => setFormulas(article));
}

/**
 * Files that end in `.tex` are modules of a MathML string, and the article is part of the page.
 *
 * @returns {import('vite').Plugin}
 */
export function formulas() {
  return {
    name: 'formulas',
    transform(source, id) {
      if (!id.endsWith('.tex')) return undefined;
      return { code: `export default ${JSON.stringify(formulaOfFile(source))};`, map: null };
    },
    transformIndexHtml: {
      order: 'pre',
      handler: (html) => withArticle(html, readFileSync(articleFile, 'utf8')),
    },
  };
}
