import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { serve } from '../bench/server.js';
import { launchWebKit, noWebKit } from '../webkit.js';
import { eventually, openFolder, small } from './browser.js';
import { doLesson, keyboard } from './lesson-walk.js';
import { assertAsInNode } from './node-runs.js';
import { staticHost } from './static-host.js';
import { trainPackage } from './train-package.js';

/** @typedef {import('../webkit.js').WebKitPage} WebKitPage */

const tiny = 'dModel=32&dInner=32&experts=4&heads=2&dHead=8&batchSize=2&contextLength=32&hyperSize=64';

/** Settings of each room that are trained in a second, for how many steps, and what only this room has. */
const rooms = {
  plane: { hash: 'room=plane&data=moons', steps: 60, own: '#ownership' },
  text: { hash: `${small}&dropout=0.1`, steps: 40, own: '#probe' },
  routers: { hash: `room=routers&data=moby-dick&${tiny}&steps=50`, steps: 50, own: '.routers-choice' },
  // The same run as in the first room, which goes on.
  inside: { hash: 'room=inside&data=moons', steps: 120, own: '.inside-tools' },
};

/** @typedef {keyof typeof rooms} Room */

/** @type {Awaited<ReturnType<typeof openFolder>>} */
let site;
/** @type {WebKitPage | undefined} */
let page;
/** @type {ReturnType<typeof trainPackage>} */
let inNode;

describe('WebKit', { skip: noWebKit }, () => {
  before(async () => {
    inNode = trainPackage(new URL('../../web', import.meta.url).href, 1, '/index.js');
    site = await openFolder();
    await writeFile(join(site.folder, 'complaints.js'), `(${collectComplaints})();`);
    const html = await readFile(join(site.folder, 'index.html'), 'utf8');
    const listening = html.replace('<meta charset', '<script src="./complaints.js"></script>$&');
    assert.notEqual(listening, html);
    await writeFile(join(site.folder, 'index.html'), listening);
  });
  afterEach(async () => {
    await page?.close();
    page = undefined;
  });
  after(() => site.close());

  const all = /** @type {Room[]} */ (Object.keys(rooms));
  // Numbers and charts depend on the language, and this room has all kinds of them.
  const some = /** @type {Room[]} */ (['text']);
  for (const [name, locale, language, visited] of /** @type {const} */ ([
    ['no valid one', 'C.UTF-8', 'C', all],
    ['German', 'de_DE.UTF-8', 'de-DE', some],
    ['not set', 'C', 'en-US', some],
  ])) {
    it(`rooms train as in Node where the language is ${name}`, async () => {
      const at = await launchWebKit({ locale });
      page = at;
      for (const room of visited) {
        // Within the page, which is not loaded again.
        await at.goto(`${site.url}#${rooms[room].hash}`);
        await trainInWebKit(at, room);
        const runs = await recordedRuns(at);
        await assertAsInNode(runs, rooms[room].steps);
        for (const [i, { losses }] of runs.entries())
          assert.ok(
            mean(losses.train.slice(-10)) < mean(losses.train.slice(0, 10)),
            `${room}, run ${i}: the loss falls`,
          );
        if (room === 'routers' || room === 'text')
          await at.waitFor('the chart', () => document.querySelector('.line-chart canvas') !== null);
        assert.deepEqual(await at.evaluate(allComplaints), [], room);
      }
      assert.equal(await at.evaluate(() => navigator.language), language);
      if (locale !== 'C') return;
      await at.goto(`${site.url}#lesson=one-expert`);
      await doLesson(at, keyboard(at), 'one-expert');
      assert.deepEqual(await at.evaluate(allComplaints), [], 'a lesson with the keyboard alone');
    });
  }

  for (const sharedMemory of [false, true]) {
    const where = sharedMemory ? 'with SharedArrayBuffer' : 'without SharedArrayBuffer';
    it(`the package computes the bits of Node, in its worker too, and the page says its threads, ${where}`, async () => {
      const at = await launchWebKit({ sharedMemory });
      page = at;
      const server = await serve();
      try {
        const web = `${server.url}/web`;
        await at.goto(`${server.url}/tests/bench/page.html`);
        assert.equal(await at.evaluate(() => typeof SharedArrayBuffer === 'function'), sharedMemory);
        for (const threads of /** @type {(number | 'auto')[]} */ (sharedMemory ? [1, 2, 3] : ['auto'])) {
          for (const entry of /** @type {const} */ (['/index.js', '/worker.js'])) {
            const { bits, threads: used } = await at.evaluate(trainPackage, web, threads, entry);
            assert.equal(used, threads === 'auto' ? 1 : threads);
            assert.deepEqual(bits, (await inNode).bits);
          }
        }
      } finally {
        await server.close();
      }

      const host = await staticHost(site.folder);
      try {
        const said = (/** @type {string} */ text) =>
          at.waitFor(
            `“${text}”`,
            (part) => new RegExp(part).test(document.querySelector('footer')?.textContent ?? ''),
            text,
          );
        await at.goto(`${host.url}#${small}`);
        await said('Available offline.');
        await at.reload();
        await said(
          sharedMemory
            ? 'Training uses \\d+ threads\\.'
            : 'Training uses one thread: this browser does not let threads share memory',
        );
        await at.waitFor('Start', () => {
          /** @type {HTMLButtonElement | null} */
          const start = document.querySelector('button.start');
          if (start?.disabled === false) start.click();
          return start?.disabled === false;
        });
        await at.waitFor('step 10', () => Number(document.querySelector('.facts-row dd')?.textContent) >= 10);
      } finally {
        await host.close();
      }
    });
  }
});

/** Runs in the page, before all of its scripts. */
function collectComplaints() {
  /** @type {string[]} */
  const complaints = [];
  Object.assign(globalThis, { complaints });
  addEventListener('error', ({ message }) => complaints.push(message));
  addEventListener('unhandledrejection', ({ reason }) => complaints.push(String(reason)));
  for (const kind of /** @type {const} */ (['error', 'warn'])) {
    const print = console[kind];
    console[kind] = (...parts) => {
      complaints.push(parts.map(String).join(' '));
      print.apply(console, parts);
    };
  }
}

/** What the page shows or has printed as an error. */
function allComplaints() {
  const alerts = [...document.querySelectorAll('[role=alert]')].map(({ textContent }) => textContent);
  return [...alerts, .../** @type {any} */ (globalThis).complaints];
}

/**
 * As a person does it: Start, and Pause when the step has come.
 *
 * @param {WebKitPage} at
 * @param {Room} room
 */
async function trainInWebKit(at, room) {
  await at.waitFor(
    `the room “${room}”`,
    (own) => {
      /** @type {HTMLButtonElement | null} */
      const start = document.querySelector('button.start');
      const ready = document.querySelector(own) && start?.textContent === 'Start' && !start.disabled;
      // Pressed as soon as it is there: a room may be rendered again until a press from here gets there.
      if (ready) start.click();
      return Boolean(ready);
    },
    rooms[room].own,
  );
  await at.waitFor(
    `step ${rooms[room].steps} of the room “${room}”`,
    (least) => {
      const step = Number(document.querySelector('.facts-row dd')?.textContent?.replaceAll(',', ''));
      /** @type {HTMLButtonElement | null} */
      const start = document.querySelector('button.start');
      // A comparison ends by itself.
      if (step >= least && start?.textContent === 'Pause') start.click();
      return step >= least;
    },
    rooms[room].steps,
  );
  await at.waitFor('the pause', () => document.querySelector('button.start')?.textContent !== 'Pause');
}

/**
 * The runs in the file that the page saves, which is then gone.
 *
 * @param {WebKitPage} at
 * @returns {Promise<any[]>}
 */
async function recordedRuns(at) {
  await at.waitFor('the file can be saved', () => {
    /** @type {NodeListOf<HTMLButtonElement>} */
    const buttons = document.querySelectorAll('button');
    const named = (/** @type {string} */ name) =>
      [...buttons].find(({ textContent, disabled }) => textContent?.trim() === name && !disabled);
    if (!document.querySelector('dialog[open]')) named('Share')?.click();
    const save = named('Save the run as JSON');
    save?.click();
    if (save) named('Close')?.click();
    return save !== undefined;
  });
  const { runs } = await eventually(async () => {
    const name = (await readdir(at.downloadsPath)).find((file) => file.endsWith('.json'));
    assert.ok(name, 'a file is saved');
    const path = join(at.downloadsPath, name);
    const text = await readFile(path, 'utf8');
    // The end of the file is written last.
    assert.ok(text.endsWith('}'), 'the whole file is saved');
    await rm(path);
    return JSON.parse(text);
  });
  return runs;
}

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
