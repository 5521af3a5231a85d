// How the built page fares in a real browser, room by room, while it trains at full speed:
//   npm run bench:page -- [--browser firefox] [--room text,plane] [--no-lighthouse]
// What it is to reach: the first picture within 0.7 s, input drawn within 100 ms, 55 frames a second, Lighthouse 95.
// No test: figures depend on the machine, and on what else it does.
import { parseArgs } from 'node:util';
import { open } from '../page/browser.js';

const { values } = parseArgs({
  options: {
    browser: { type: 'string', default: 'chromium' },
    room: { type: 'string', default: 'plane,text,routers,inside' },
    lighthouse: { type: 'boolean', default: true },
  },
  allowNegative: true,
});

/** @type {Record<string, { hash: string, picture: string, focus: string }>} what to wait for, and where keys go to */
const rooms = {
  plane: { hash: 'pace=full', picture: '#decision canvas', focus: '#ownership' },
  text: { hash: 'room=text&start=nothing', picture: '#probe .cell[style]', focus: '#probe' },
  routers: { hash: 'room=routers&steps=2000', picture: '.models tbody tr', focus: '#setting-data' },
  inside: { hash: 'room=inside', picture: '.stage', focus: '.heat' },
};

const watched = 5000;

const site = await open(/** @type {import('../page/browser.js').BrowserName} */ (values.browser));
try {
  console.log(`${values.browser} ${site.browser.version()}\n`);
  // Before the rooms are trained in: a browser that is warm takes time from the one that Lighthouse looks with.
  if (values.lighthouse && values.browser === 'chromium') await scores(site.url);
  console.log('room      first picture   frames/s   slowest 5 %   input: median   worst   main thread');
  for (const name of values.room.split(',')) {
    const { picture, fps, slow, inputs, busy } = await measure(rooms[name]);
    const cells = [
      name.padEnd(9),
      `${picture.toFixed(0)} ms`.padStart(13),
      fps.toFixed(0).padStart(10),
      `${slow.toFixed(0)} ms`.padStart(13),
      `${inputs[inputs.length >> 1]?.toFixed(0)} ms`.padStart(15),
      `${inputs.at(-1)?.toFixed(0)} ms`.padStart(7),
      busy.padStart(13),
    ];
    console.log(cells.join(' '));
  }
} finally {
  await site.close();
}

/** @param {{ hash: string, picture: string, focus: string }} room */
async function measure({ hash, picture, focus }) {
  const context = await site.browser.newContext({ viewport: { width: 1440, height: 1000 } });
  const page = await context.newPage();
  await page.addInitScript((selector) => {
    const look = () => {
      if (document.querySelector(selector)) Object.assign(globalThis, { pictureAt: performance.now() });
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, picture);
  await page.goto(`${site.url}#${hash}`);
  await page.waitForFunction(() => 'pictureAt' in globalThis);
  const pictureAt = await page.evaluate(() => /** @type {any} */ (globalThis).pictureAt);
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.waitForFunction(() => document.querySelector('.facts-row dd')?.textContent !== '0');
  const { fps, slow, busy } = await frames(page);
  const inputs = await latencies(page, focus);
  await context.close();
  return { picture: pictureAt, fps, slow, busy, inputs };
}

/** @param {import('playwright-core').Page} page */
async function frames(page) {
  const session = site.name === 'chromium' ? await page.context().newCDPSession(page) : undefined;
  await session?.send('Performance.enable');
  const metrics = async () => {
    const all = (await session?.send('Performance.getMetrics'))?.metrics ?? [];
    return Object.fromEntries(all.map(({ name, value }) => [name, value]));
  };
  const before = await metrics();
  const gaps = await page.evaluate(async (span) => {
    /** @type {number[]} */
    const all = [];
    let last = await new Promise(requestAnimationFrame);
    for (const end = last + span; last < end; ) {
      const now = await new Promise(requestAnimationFrame);
      all.push(now - last);
      last = now;
    }
    return all.sort((a, b) => a - b);
  }, watched);
  const after = await metrics();
  const share = (/** @type {string} */ name) =>
    `${Math.round((100 * (after[name] - before[name])) / (after.Timestamp - before.Timestamp))} %`;
  const total = gaps.reduce((sum, gap) => sum + gap, 0);
  return {
    fps: (1000 * gaps.length) / total,
    slow: gaps[Math.floor(gaps.length * 0.95)],
    busy: session ? `${share('TaskDuration')} (script ${share('ScriptDuration')})` : '–',
  };
}

/**
 * From a key or a click until what came of it is drawn, as the browser itself measures it (Event Timing).
 *
 * @param {import('playwright-core').Page} page
 * @param {string} focus
 */
async function latencies(page, focus) {
  await page.evaluate(() => {
    /** @type {number[]} */
    const all = [];
    Object.assign(globalThis, { inputs: all });
    const observer = new PerformanceObserver((list) => {
      for (const { name, duration } of list.getEntries()) {
        if (['keydown', 'click', 'pointerdown'].includes(name)) all.push(duration);
      }
    });
    observer.observe(/** @type {any} */ ({ type: 'event', durationThreshold: 16, buffered: false }));
  });
  await page.locator(focus).first().focus();
  for (let i = 0; i < 15; i++) {
    await page.keyboard.press(i % 2 ? 'ArrowLeft' : 'ArrowRight');
    await page.waitForTimeout(90);
  }
  for (const summary of (await page.getByText('As a table').all()).slice(0, 3)) {
    await summary.click();
    await page.waitForTimeout(200);
  }
  const durations = await page.evaluate(() => /** @type {any} */ (globalThis).inputs);
  return /** @type {number[]} */ (durations).sort((a, b) => a - b);
}

/**
 * The run with the median performance of three, as Lighthouse advises: one run depends on what else the machine does.
 *
 * @template {{ scores: number[] }} T
 * @param {() => Promise<T>} run
 */
async function medianOf(run) {
  const all = [await run(), await run(), await run()];
  return all.sort((a, b) => a.scores[0] - b.scores[0])[1];
}

/** @param {string} url */
async function scores(url) {
  const { lighthouseScores } = await import('../lighthouse/run.js');
  console.log('Lighthouse   performance   accessibility   best practices');
  for (const form of /** @type {const} */ (['mobile', 'desktop'])) {
    const { scores: all, findings } = await medianOf(() => lighthouseScores(url, form));
    const cells = [form.padEnd(12), ...all.map((score, i) => `${score}`.padStart([11, 15, 16][i]))];
    console.log(cells.join(' '));
    for (const finding of findings) console.log(`  ${finding}`);
  }
  console.log('');
}
