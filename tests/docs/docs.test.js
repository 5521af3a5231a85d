/**
 * The docstrings say everything that the reference is made of. The site of page, guides and reference is searched without
 * a server, its links lead somewhere, and it lies beside the page's service worker.
 */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { buildPage } from '../../demo/site/build.js';
import { ReflectionKind, readDocumentation } from '../../demo/site/documentation.js';
import * as index from '../../web/index.js';
import * as labelledText from '../../web/labelled-text.js';
import * as study from '../../web/study/index.js';
import * as worker from '../../web/worker.js';
import { serve } from '../bundlers/support.js';
import { newPage, openChromium } from '../chromium.js';
import { readDocument, readDocuments } from '../node/markdown.js';
import { checkLinks } from './links.js';

const require = createRequire(import.meta.url);

/** @type {Awaited<ReturnType<typeof readDocumentation>>['app']} */
let app;
/** @type {Awaited<ReturnType<typeof readDocumentation>>['project']} */
let project;
before(async () => {
  ({ app, project } = await readDocumentation({ page: true, logLevel: 'None' }));
});

describe('the reference', () => {
  it('is made without a warning', () => {
    assert.deepEqual([app.logger.errorCount, app.logger.warningCount], [0, 0], 'npm run docs says which');
  });

  for (const [name, module] of Object.entries({
    'hyperrouter-wasm': index,
    'hyperrouter-wasm/worker': worker,
    'hyperrouter-wasm/labelled-text': labelledText,
    'hyperrouter-wasm/study': study,
  })) {
    it(`has every export of ${name}`, () => {
      const documented = project.getChildByName([name])?.children?.map((child) => child.name) ?? [];
      for (const key of Object.keys(module)) assert.ok(documented.includes(key), key);
    });
  }

  it('has text for everything with a name: exports, methods, parameters, properties', () => {
    const bare = project
      .getReflectionsByKind(ReflectionKind.All)
      // What is exported again is described where it comes from.
      .filter((reflection) => !reflection.isReference() && isNamed(reflection) && !hasText(reflection))
      .map((reflection) => reflection.getFullName());
    assert.deepEqual([...new Set(bare)], []);
  });

  it('and the guide have the same options of train', () => {
    const guide = readDocument('demo/guides/training.md').text;
    const table = guide.split('\n| option | meaning | default |\n')[1].split('\n\n')[0];
    const named = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell]) =>
      cell.replaceAll('`', '').split(', '),
    );
    const options = project
      .getChildByName(['hyperrouter-wasm', 'TrainOptions'])
      ?.children?.map((child) => child.name);
    assert.deepEqual(named.sort(), options?.sort());
    const progress = /^A progress event is `\{ (.*) \}`/m.exec(guide)?.[1].split(', ');
    const fields = project
      .getChildByName(['hyperrouter-wasm', 'TrainProgress'])
      ?.children?.map((child) => child.name);
    assert.deepEqual(progress?.sort(), fields?.sort());
  });

  it('has every configuration key', async () => {
    const engine = await index.load();
    for (const [kind, type] of /** @type {const} */ ([
      ['language', 'LanguageKeys'],
      ['classifier', 'ClassifierKeys'],
    ])) {
      const keys = ['SharedConfig', type].flatMap((parent) => {
        return (
          project.getChildByName(['hyperrouter-wasm', parent])?.children?.map((child) => child.name) ?? []
        );
      });
      assert.deepEqual(
        keys.sort(),
        engine
          .configFields(kind)
          .map((field) => field.name)
          .sort(),
      );
    }
    engine.dispose();
  });
});

describe('the site', () => {
  /** @type {string} */
  let folder;
  /** @type {Awaited<ReturnType<typeof serve>>} */
  let server;
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** Where the site lies, as on a static host. */
  let url = '';
  /** @type {string[]} */
  const complaints = [];

  before(async () => {
    const root = await mkdtemp(join(tmpdir(), 'hyperrouter-site-'));
    folder = join(root, 'some', 'folder');
    await buildPage(folder);
    await app.generateDocs(project, join(folder, 'docs'));
    server = await serve(root);
    url = `${server.url}/some/folder/`;
    browser = await openChromium();
  });
  after(async () => {
    await browser.close();
    server.close();
    await rm(join(folder, '..', '..'), { recursive: true });
  });

  /** @param {string} path @param {import('playwright-core').BrowserContextOptions} [options] */
  async function open(path, options) {
    const context = await browser.newContext({ serviceWorkers: 'block', ...options });
    const page = await newPage(context);
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(new URL(path, url).href);
    return page;
  }

  /** @param {import('playwright-core').Page} page @param {string} words @param {string} result */
  async function search(page, words, result) {
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('combobox').fill(words);
    await page.getByRole('option').filter({ hasText: result }).first().click();
    await page.locator('h1').filter({ hasText: result }).waitFor();
  }

  it('has no dead links', () => {
    const { count, dead } = checkLinks(folder);
    assert.ok(count > 1000);
    assert.deepEqual(dead, []);
  });

  it('has every guide, with its heading', async () => {
    for (const { path, text } of readDocuments().slice(1)) {
      const html = await readFile(join(folder, path.replace(/^demo(.*)md$/, 'docs$1html')), 'utf8');
      assert.ok(html.includes(`<title>${/^# (.*)$/m.exec(text)?.[1]} | hyperrouter-wasm</title>`), path);
    }
  });

  it('leads from the page to a guide, to the reference and back', async () => {
    const page = await open('');
    await page.getByRole('link', { name: 'Guides and reference' }).click();
    await page.locator('.col-content').getByRole('link', { name: 'Training' }).click();
    await page.getByRole('link', { name: 'evaluateText' }).first().click();
    await page.getByRole('heading', { name: 'Function evaluateText' }).waitFor();
    await page.getByRole('link', { name: 'Routing metrics' }).first().click();
    await page.getByRole('heading', { name: 'How to read them' }).waitFor();
    await page.getByRole('link', { name: 'Live page' }).first().click();
    await page.getByRole('navigation', { name: 'Rooms' }).waitFor();
    assert.equal(page.url().split('#')[0], `${url}index.html`);
    await page.context().close();
  });

  it('is searched without a server: exports, and what guides say', async () => {
    const page = await open('docs/guides/limits.html');
    await search(page, 'TextStreams', 'TextStreams');
    await search(page, 'pre-bundle', 'Workers and bundlers');
    assert.deepEqual(complaints, []);
    await page.goto(`file://${folder}/docs/index.html`);
    await search(page, 'nucleus', 'Generation');
    // A browser's complaints of icons in a file, which it has beside.
    complaints.length = 0;
    await page.context().close();
  });

  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    it(`can be read by everybody, ${colorScheme}`, async () => {
      const page = await open('docs/guides/routers.html', { colorScheme });
      for (const path of ['docs/guides/routers.html', 'docs/functions/hyperrouter-wasm.evaluateText.html']) {
        await page.goto(url + path);
        await page.addScriptTag({ path: require.resolve('axe-core') });
        const { violations } = await page.evaluate(() => {
          // In TypeDoc's list of modules, what opens a module has a link to it inside.
          return /** @type {any} */ (globalThis).axe.run({
            rules: { 'nested-interactive': { enabled: false } },
          });
        });
        const grave = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
        assert.deepEqual(
          grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => html + any[0]?.message)}`),
          [],
        );
      }
      await page.context().close();
    });
  }

  it('is neither kept nor changed by the service worker of the page', async () => {
    const page = await open('', { serviceWorkers: 'allow' });
    await page.getByText('Available offline.').waitFor();
    await page.reload();
    const kept = await page.evaluate(async () => {
      const caches = await Promise.all(
        (await globalThis.caches.keys()).map((name) => globalThis.caches.open(name)),
      );
      return (await Promise.all(caches.map((cache) => cache.keys()))).flat().map((request) => request.url);
    });
    assert.ok(kept.length > 10);
    assert.deepEqual(
      kept.filter((address) => address.includes('docs')),
      [],
    );
    // What is new on the server is what is read.
    const guide = join(folder, 'docs', 'guides', 'limits.html');
    await page.goto(`${url}docs/guides/limits.html`);
    await search(page, 'TextStreams', 'TextStreams');
    await cp(join(folder, 'docs', 'guides', 'training.html'), guide);
    await page.goto(`${url}docs/guides/limits.html`);
    await page.locator('h1').filter({ hasText: 'Training' }).waitFor();
    await page.context().close();
  });

  it('leaves nothing on the console', () => assert.deepEqual(complaints, []));
});

/**
 * What is inside of a type that is written out where it is used is described by what it belongs to; the constructor of
 * Error, by others.
 * @param {import('typedoc').Reflection} reflection
 */
function isNamed(reflection) {
  /** @type {import('typedoc').Reflection | undefined} */
  let at = reflection;
  for (; at; at = at.parent) {
    if (at.kindOf(ReflectionKind.TypeLiteral)) return false;
    if (at.isDeclaration() && at.kindOf(ReflectionKind.Constructor) && at.inheritedFrom) return false;
  }
  const kinds = ReflectionKind.SomeExport | ReflectionKind.SomeMember | ReflectionKind.Parameter;
  return reflection.kindOf(kinds);
}

/** @param {import('typedoc').Reflection} reflection */
function hasText(reflection) {
  const { signatures, getSignature } = /** @type {import('typedoc').DeclarationReflection} */ (reflection);
  return [reflection, ...(signatures ?? []), ...(getSignature ? [getSignature] : [])].some((each) =>
    each.hasComment(),
  );
}
