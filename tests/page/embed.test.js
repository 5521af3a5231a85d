import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, afterEach, before, describe, it } from 'node:test';
import { embedLine, partNames, partOf, partsOf, wholeAddress } from '../../demo/embed/address.js';
import { newPage } from '../chromium.js';
import { blocks, readDocument } from '../node/markdown.js';
import { eventually, open, small, visit } from './browser.js';

describe('an address to embed', () => {
  it('names a figure, keeps the settings, and leads back to the whole', () => {
    const line = embedLine('https://example.org/demo/?a="1"#router=smoe&seed=4', 'load');
    const [, src] = line.match(/src="([^"]*)"/) ?? [];
    const address = src.replaceAll('&amp;', '&');
    assert.equal(address, 'https://example.org/demo/?a=%221%22&embed=load#router=smoe&seed=4');
    assert.equal(wholeAddress(address, 'seed=5'), 'https://example.org/demo/?a=%221%22#seed=5');
    const rooms = ['', '#room=text&seed=2', '#room=collapse'];
    assert.deepEqual([...new Set(rooms.flatMap((room) => partsOf(room)))], partNames);
    for (const room of rooms) {
      for (const part of partsOf(room)) assert.equal(partOf(part, room), part);
      assert.equal(partOf('nothing', room), partsOf(room)[0]);
    }
  });

  it('is one of a room that has figures to embed', () => {
    for (const hash of ['', '#seed=4', '#room=plane&seed=4', '#room=text', '#room=collapse'])
      assert.ok(partsOf(hash).length, hash);
    for (const hash of ['#room=inside', '#room=routers', '#lesson=top-k'])
      assert.deepEqual(partsOf(hash), [], hash);
  });
});

describe('in a page of another origin', () => {
  /** @type {import('./browser.js').Site} */
  let site;
  let html = '';
  const other = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(`<!doctype html><html lang="en"><title>Another page</title>${html}</html>`);
  });
  let url = '';
  before(async () => {
    site = await open();
    await new Promise((resolve) => other.listen(0, '127.0.0.1', () => resolve(undefined)));
    url = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (other.address()).port}/`;
  });
  after(async () => {
    other.close();
    await site?.close();
  });
  afterEach(() => site.clear());

  /** @param {import('playwright-core').FrameLocator} frame */
  const stepIn = async (frame) =>
    Number((await frame.locator('.facts-row dd').first().innerText()).replaceAll(',', ''));

  it('the element shows one figure, trains it, and follows its attributes', async () => {
    // As the guide writes it.
    const [sample] = blocks(readDocument('demo/guides/page.md').text, 'html');
    html = sample
      .replace('https://example.org/demo/', site.url)
      .replace('<routing-figure', '<routing-figure label="Load"');
    const page = await newPage(site.browser, { serviceWorkers: 'block' });
    /** @type {string[]} */
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(url);
    const frame = page.locator('routing-figure').frameLocator('iframe');
    await frame.locator('.figure-load .load-number').nth(7).waitFor();
    assert.equal(await page.locator('routing-figure iframe').getAttribute('title'), 'Load');
    assert.equal(await frame.locator('.figure').count(), 1);
    for (const rest of ['body > header', '.article', '.rooms', '.controls', '.scrubber'])
      assert.equal(await frame.locator(rest).filter({ visible: true }).count(), 0, rest);
    await frame.getByRole('button', { name: 'Start', exact: true }).click();
    await eventually(async () => assert.ok((await stepIn(frame)) > 3));
    assert.match(
      String(await frame.getByRole('link', { name: 'Open the whole' }).getAttribute('href')),
      /folder\/#router=smoe&experts=8&layers=1&seed=4$/,
    );
    await page.locator('routing-figure').evaluate((element) => {
      element.setAttribute('part', 'map');
      element.setAttribute('settings', 'experts=3');
    });
    await frame.locator('#ownership').waitFor();
    assert.equal(await frame.locator('.figure-load').count(), 0);
    assert.deepEqual(complaints, []);
  });

  it('the line that Share gives shows the run that is shared', async () => {
    const { page, share } = await visit(site, 'router=smoe&experts=3');
    const dialog = await share();
    await dialog.getByText('Embed a figure in a page').click();
    await dialog.getByRole('combobox').selectOption('Loss');
    html = await dialog.getByLabel('HTML to embed the figure').inputValue();
    await page.goto(url);
    const frame = page.frameLocator('iframe');
    await frame.locator('.figure-loss').waitFor();
    await frame.getByRole('button', { name: 'One step' }).click();
    await eventually(async () => assert.equal(await stepIn(frame), 1));
    assert.match(
      String(await frame.getByRole('link', { name: 'Open the whole' }).getAttribute('href')),
      /#router=smoe&experts=3$/,
    );
    html = html.replace('embed=loss', 'embed=stage');
    await page.goto(url);
    await frame.locator('.machine').waitFor();
    await frame.locator('.figure-decision').waitFor();
  });

  it('shows a text, and the collapse', async () => {
    const { page } = await visit(site, small);
    /** @type {string[]} */
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    html = embedLine(page.url(), 'stage');
    await page.goto(url);
    const frame = page.frameLocator('iframe');
    await frame.getByRole('button', { name: 'One step' }).click();
    await frame.locator('.machine-text .machine-expert').nth(3).waitFor();
    await frame.locator('#probe').waitFor();
    assert.match(
      String(await frame.getByRole('link', { name: 'Open the whole' }).getAttribute('href')),
      /folder\/#room=text&.*experts=4&.*batchSize=4$/,
    );
    html = embedLine(`${site.url}#room=collapse`, 'collapse');
    await page.goto(url);
    await frame.locator('.collapse-models canvas').nth(2).waitFor();
    assert.match(
      String(await frame.getByRole('link', { name: 'Open the whole' }).getAttribute('href')),
      /folder\/#room=collapse$/,
    );
    assert.deepEqual(complaints, []);
  });
});
