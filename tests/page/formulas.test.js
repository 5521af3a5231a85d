import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';
import {
  foldSections,
  formula,
  formulaOfFile,
  setFormulas,
  withArticle,
} from '../../demo/article/formulas.js';

/** The elements of a formula. @param {string} math */
const elements = (math) => [...math.matchAll(/<(m[a-z]+)/g)].map(([, name]) => name);

describe('a formula', () => {
  it('is MathML, with a description and nothing that the policy of the page forbids', () => {
    const math = formula('\\frac{\\partial o}{\\partial x}', 'the derivative of o with respect to x');
    assert.match(
      math,
      /^<math role="math" aria-label="the derivative of o with respect to x"[^>]*>.*<\/math>$/s,
    );
    assert.deepEqual(
      elements(math).filter((name) => name === 'mfrac'),
      ['mfrac'],
    );
    assert.doesNotMatch(math, / style=|<style|<annotation|<semantics|<span|\\frac/);
  });

  it('is inline, or a block', () => {
    assert.doesNotMatch(formula('x', 'x'), /display="block"/);
    assert.match(formula('x', 'x', { display: true }), /^<math[^>]* display="block"/);
  });

  it('has letters where a variant of a letter is one of its own', () => {
    assert.match(formula('\\mathbb{R}', 'the real numbers'), /<mi>ℝ<\/mi>/);
  });

  it('has its words escaped', () => {
    assert.match(formula('a', 'a "<b>" & c'), /aria-label="a &quot;&lt;b>&quot; &amp; c"/);
  });

  it('that is not TeX stops the build', () => {
    assert.throws(() => formula('\\frac{a}', 'a fraction'), /KaTeX parse error/);
    assert.throws(() => formula('\\nothing', 'nothing'), /KaTeX parse error/);
  });

  it('in a file has its words in the first line', () => {
    assert.equal(formulaOfFile('% R e\nR_e\n'), formula('R_e', 'R e', { display: true }));
    assert.throws(() => formulaOfFile('R_e\n'), /first line must be a comment/);
  });
});

describe('the formulas of a page', () => {
  it('are set where they stand', () => {
    assert.equal(
      setFormulas(
        '<p>A <x-tex words="x">x</x-tex>, <x-tex words="a less than b" display>a &lt; b</x-tex></p>',
      ),
      `<p>A ${formula('x', 'x')}, ${formula('a < b', 'a less than b', { display: true })}</p>`,
    );
  });

  it('stop the build where one has no words or is not closed', () => {
    for (const html of [
      '<x-tex>x</x-tex>',
      '<x-tex words="">x</x-tex>',
      '<x-tex display words="x">x</x-tex>',
      '<x-tex words="x">x',
      'x</x-tex>',
    ]) {
      assert.throws(() => setFormulas(html), /a formula must be <x-tex words="…" display>/, html);
    }
  });
});

describe('the article', () => {
  it('is put where the page says, as it is', () => {
    assert.equal(
      withArticle('<main><!-- article --></main>', "<p>$& $1 $'</p>"),
      "<main><p>$& $1 $'</p></main>",
    );
    assert.throws(() => withArticle('<main></main>', '<p></p>'), /no <!-- article -->/);
  });

  it('and files of formulas are there in development too', async () => {
    const demo = fileURLToPath(new URL('../../demo/', import.meta.url));
    const server = await createServer({
      configFile: `${demo}vite.config.js`,
      logLevel: 'error',
      optimizeDeps: { noDiscovery: true },
      server: { middlewareMode: true, ws: false, watch: null },
    });
    try {
      const html = await server.transformIndexHtml('/', '<html><body><!-- article --></body></html>');
      assert.match(html, /<article class="article"/);
      assert.match(html, /<math role="math" aria-label="/);
      assert.doesNotMatch(html, /<x-tex/);

      const files = (await readdir(demo, { recursive: true })).filter((file) => file.endsWith('.tex'));
      assert.ok(files.length > 0);
      for (const file of files) {
        const { default: math } = await server.ssrLoadModule(`/${file}`);
        assert.match(math, /^<math role="math" aria-label="[^"]+"[^>]* display="block"/, file);
      }
    } finally {
      await server.close();
    }
  });
});

describe('the sections of the article', () => {
  it('are folded under their headings, and nothing is lost', () => {
    const article =
      '<article>\n<p>lead</p>\n<h3>One</h3>\n<p>1</p>\n<h3 id="two">Two</h3>\n<p>2</p>\n</article>\n';
    const folded = foldSections(article);
    assert.match(
      folded,
      /<p>lead<\/p>\n<details class="article-section"><summary><h3>One<\/h3><\/summary>\n<p>1<\/p>/,
    );
    assert.match(folded, /<details class="article-section"><summary><h3 id="two">Two<\/h3><\/summary>/);
    const bare = folded.replace(/<\/details>\n|<\/?(details|summary)[^>]*>/g, '');
    assert.equal(bare, article);
    assert.throws(() => foldSections('<article><h3>One</h3>'), SyntaxError);
  });
});
