import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import katex from 'katex';

/**
 * Formulas are rendered to MathML when the page is built: the page loads no library for them and shows them without
 * JavaScript.
 */

const articleFile = fileURLToPath(new URL('./article.html', import.meta.url));
const placeholder = '<!-- article -->';

/**
 * @param {string} tex
 * @param {string} words how a screen reader reads the formula
 * @param {{ display?: boolean }} [options] display: on its own line
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
  // The page's security policy forbids style attributes, and screen readers would read the TeX source after the
  // formula. Browsers ignore `mathvariant`, except for `normal`; the double-struck letter is a character of its own.
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
 * A formula from a file, whose first line is a comment with the words for screen readers.
 *
 * @param {string} source
 */
export function formulaOfFile(source) {
  const [first, ...rest] = source.trim().split('\n');
  if (!first.startsWith('% '))
    throw new SyntaxError('a formula’s first line must be a comment with its words, such as: % x equals 1');
  return formula(rest.join('\n'), first.slice(2), { display: true });
}

/**
 * Renders the formulas of a page: `<x-tex words="…">…</x-tex>`, with `display` for a formula on its own line.
 *
 * @param {string} html
 * @throws {SyntaxError} if a formula has another form: the page would show its source, or it would have no words
 */
export function setFormulas(html) {
  const set = html.replace(/<x-tex words="([^"]+)"( display)?>(.*?)<\/x-tex>/gs, (_, words, display, tex) =>
    formula(tex.replace(/&lt;/g, '<').replace(/&amp;/g, '&'), words, { display: Boolean(display) }),
  );
  const [left] = set.match(/<\/?x-tex[^>]*>/) ?? [];
  if (left) throw new SyntaxError(`a formula must be <x-tex words="…" display>…</x-tex>, not ${left}`);
  return set;
}

/**
 * Inserts the article into the page, in place of its placeholder.
 *
 * @param {string} page
 * @param {string} article with its formulas in TeX
 */
export function withArticle(page, article) {
  if (!page.includes(placeholder)) throw new SyntaxError(`the page has no ${placeholder}`);
  // A function, because a string would be searched for patterns that begin with `$`.
  return page.replace(placeholder, () => setFormulas(article));
}

/**
 * Folds the sections of the article: each heading is in sight and says what is below it, and the page is short.
 *
 * @param {string} article HTML, whose sections begin with an `h3` each
 * @returns {string}
 */
export function foldSections(article) {
  const end = article.lastIndexOf('</article>');
  if (end < 0) throw new SyntaxError('the article has no end');
  const [lead, ...sections] = article.slice(0, end).split(/(?=<h3[ >])/);
  const folded = sections.map((section) => {
    const [, heading, rest] = section.match(/^(<h3[ >].*?<\/h3>)(.*)$/s) ?? [];
    if (!heading) throw new SyntaxError(`a section’s heading has no end: ${section.slice(0, 60)}`);
    return `<details class="article-section"><summary>${heading}</summary>${rest}</details>\n`;
  });
  return lead + folded.join('') + article.slice(end);
}

/**
 * Imports `.tex` files as MathML strings, and inserts the article into the page.
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
      handler: (html) => withArticle(html, foldSections(readFileSync(articleFile, 'utf8'))),
    },
  };
}
