import assert from 'node:assert/strict';
import { mkdtemp, open as openFile, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { createHistory } from '../../demo/history.js';
import { Trainer } from '../../demo/trainer/trainer.js';
import { load } from '../../web/index.js';
import { eventually, open, small, visit } from './browser.js';

/** Two hours at a thousand steps per second. */
const manySteps = 7_200_000;

describe('two hours', () => {
  it('of training take no more room than some minutes', () => {
    const history = createHistory();
    const { losses, loads, measures } = history.signals;
    const perFrame = 160;
    const layer = /** @type {any} */ ({ load: Float32Array.of(0.5, 0.5) });
    /** @type {number[]} */
    const sizes = [];
    for (let step = perFrame; step <= manySteps; step += perFrame) {
      const every50 = Array.from(
        { length: Math.floor(step / 50) - Math.floor((step - perFrame) / 50) },
        (_, i) => ({
          step: 50 * (Math.floor((step - perFrame) / 50) + 1 + i),
          loss: 2,
        }),
      );
      const news = /** @type {any} */ ({
        step,
        losses: new Float32Array(perFrame).fill(2),
        heldOut: every50,
        measures: every50.map(({ step: at }) => ({ step: at, layers: [layer] })),
      });
      history.add(news, [{ step: news.step, layers: [[0.5, 0.5]] }]);
      if (step === manySteps / 100 || step === manySteps) {
        const { steps, heldOut } = losses.value;
        sizes.push(steps.length, heldOut.length, loads.value.entries.length, measures.value.entries.length);
      }
    }
    const [early, late] = [sizes.slice(0, 4), sizes.slice(4)];
    late.forEach((size, i) => {
      assert.ok(size <= [2048, 1024, 256, 512][i], `${late}`);
      assert.ok(size >= early[i] / 3, `it is still a history: ${early} at first, ${late} in the end`);
    });
    assert.ok(
      losses.value.train.every((loss) => loss === 2),
      'the means of what was',
    );
    assert.ok(Number(losses.value.steps.at(-1)) > 0.999 * manySteps);
    assert.equal(losses.value.heldOut.at(-1)?.step, manySteps, 'the last one is what the page names');
  });

  it('have hardly more moments than a minute', async () => {
    const model = {
      step: 0,
      parameterCount: 1e9,
      topK: 1,
      config: {},
      parameters: () => [],
      dispose: () => {},
    };
    /** @extends {Trainer<any>} */
    class Fake extends Trainer {
      get guess() {
        return 1;
      }
      learn() {
        model.step++;
        return { loss: 1, examples: 1 };
      }
      async heldOutLoss() {
        return 1;
      }
      measureProbe() {
        return [];
      }
      picture() {
        return { shape: {}, buffer: new ArrayBuffer(8) };
      }
    }
    const trainer = new Fake(/** @type {any} */ ({}), /** @type {any} */ (model), 0.01);
    /** @type {number[]} */
    const steps = trainer.frame(null, false).moments.map(({ step }) => step);
    while (model.step < 20_000) {
      await trainer.advance();
      if (model.step % 100 === 0) steps.push(...trainer.frame(null, false).moments.map(({ step }) => step));
    }
    assert.deepEqual(steps.slice(0, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
    const again = steps.filter((step) => step >= 100);
    again.slice(1).forEach((step, i) => {
      const growth = step / again[i];
      assert.ok(growth > 1.2 && growth < 1.26, `${again[i]}, ${step}`);
    });
    const inTwoHours = steps.length + Math.log(manySteps / 20_000) / Math.log(1.24);
    assert.ok(inTwoHours < 75, `${inTwoHours} moments`);
  });

  it('of the engine take no memory either', async () => {
    const engine = await load({ variant: 'simd' });
    const model = engine.createClassifier({
      inputSize: 2,
      classes: 2,
      layers: 1,
      dModel: 8,
      dInner: 8,
      experts: 2,
      topK: 1,
      batchSize: 4,
      seed: 1,
    });
    const inputs = Float32Array.from({ length: 8 }, (_, i) => Math.sin(i));
    const targets = Int32Array.of(0, 1, 1, 0);
    const step = () => model.trainStep({ inputs, targets, learningRate: 1e-3, clip: 1 });
    for (let i = 0; i < 2000; i++) step();
    const before = process.memoryUsage();
    for (let i = 0; i < 50_000; i++) step();
    const now = process.memoryUsage();
    // Memory of WebAssembly counts as external.
    assert.equal(
      now.arrayBuffers <= before.arrayBuffers + 2e6,
      true,
      `${before.arrayBuffers} → ${now.arrayBuffers}`,
    );
    assert.ok(now.external <= before.external + 2e6, `${before.external} → ${now.external}`);
    assert.equal(model.step, 52_000);
    model.dispose();
    engine.dispose();
  });
});

describe('the page, used hard', () => {
  /** @type {Awaited<ReturnType<typeof open>>} */
  let site;
  before(async () => {
    site = await open('chromium', { alone: true, args: ['--js-flags=--expose-gc'] });
  });
  afterEach(() => site.clear());
  after(() => site.close());

  /**
   * What the page and its worker hold, after both threw away what nobody needs.
   *
   * @param {import('playwright-core').Page} page
   * @param {import('playwright-core').CDPSession} session
   */
  async function holdings(page, session) {
    const workers = page.workers();
    await Promise.all(workers.map((worker) => worker.evaluate(() => /** @type {any} */ (globalThis).gc())));
    await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    const of = (/** @type {string} */ name) => Number(metrics.find((metric) => metric.name === name)?.value);
    const browser = await site.browser.newBrowserCDPSession();
    const { processInfo } = await browser.send('SystemInfo.getProcessInfo');
    await browser.detach();
    const sizes = await Promise.all(
      processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => residentOf(id)),
    );
    return {
      heap: of('JSHeapUsedSize'),
      nodes: of('Nodes'),
      listeners: of('JSEventListeners'),
      workers: workers.length,
      resident: Math.max(...sizes),
    };
  }

  /** @param {number} id of a process @returns {Promise<number>} bytes of its own that are in memory */
  async function residentOf(id) {
    // That of a page that was closed may end meanwhile.
    const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '');
    return 1024 * Number(status.match(/^RssAnon:\s+(\d+) kB/m)?.[1] ?? 0);
  }

  /**
   * What is held once it has come down to what was held before: what nobody needs goes a while after the collection that
   * found it, the larger the later, and what is still needed does not go.
   *
   * @param {() => Promise<Awaited<ReturnType<typeof holdings>>>} hold
   * @param {Awaited<ReturnType<typeof holdings>>} first
   * @param {number} room bytes in memory that it may have more
   */
  const holdsNoMore = (hold, first, room) =>
    eventually(async () => {
      const last = await hold();
      const both = `${JSON.stringify(first)} → ${JSON.stringify(last)}`;
      assert.ok(last.heap < first.heap + 3e6, both);
      assert.ok(last.nodes < first.nodes + 300, both);
      assert.ok(last.listeners < first.listeners + 50, both);
      assert.equal(last.workers, first.workers, both);
      assert.ok(last.resident < first.resident + room, both);
    });

  it('trains as many steps as a slow hour has, and holds no more in the end', async () => {
    const { page, button, untilStep, complaints } = await visit(
      site,
      'layers=1&dModel=8&dInner=8&experts=2&topK=1&points=40&batchSize=1&pace=full&learningRate=0.0001',
    );
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    await button('Start').click();
    const early = await untilStep(44_000);
    const first = await holdings(page, session);
    assert.equal(first.workers, 1);
    // As far again.
    await untilStep(88_000);
    await holdsNoMore(() => holdings(page, session), first, 40e6);
    await button('Pause').click();
    await button('Start').waitFor();
    assert.ok((await untilStep(88_000)) > early);
    assert.deepEqual(complaints, []);
  });

  it('makes models again and again without keeping them', async () => {
    const { page, button, untilStep, untilReset, complaints } = await visit(
      site,
      `${small}&dModel=64&dInner=256&experts=16`,
    );
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    const again = async (/** @type {number} */ times) => {
      for (let i = 0; i < times; i++) {
        await page.getByLabel('Router', { exact: true }).selectOption(i % 2 ? 'hyperrouter' : 'smoe');
        await untilReset();
        await button('One step').click();
        await untilStep(1);
        await button('Start').waitFor();
      }
    };
    await again(2);
    const first = await holdings(page, session);
    await again(6);
    // Each of these models takes some 20 MB with its gradients and moments.
    await holdsNoMore(() => holdings(page, session), first, 50e6);
    assert.deepEqual(complaints, []);
  });

  it('takes the beginning of a text of 50 MB, and stays usable meanwhile', async () => {
    const { page, notices, train, complaints } = await visit(site);
    const folder = await mkdtemp(join(tmpdir(), 'hyperrouter-large-'));
    const path = join(folder, 'large.txt');
    const file = await openFile(path, 'w');
    const line = 'Enormous whales swim slowly, and nobody counts the words. ';
    for (let i = 0; i < 50; i++) await file.write(line.repeat(Math.ceil(1e6 / line.length)));
    await file.close();
    try {
      await page.locator('input[type=file]').first().setInputFiles(path);
      const notice = notices.filter({ hasText: /large\.txt has 50 MB; the limit is 20 MB/ });
      await notice.waitFor();
      await notice.getByRole('button', { name: /beginning/ }).click();
      await page.locator('#probe').filter({ hasText: 'Enormous' }).waitFor();
      await train(5);
      assert.deepEqual(complaints, []);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('waits in the background, says so, and goes on', async () => {
    for (const room of ['room=plane&pace=full', small]) {
      const { page, button, untilStep, step } = await visit(site, room);
      await button('Start').click();
      await untilStep(5);
      const hide = (/** @type {boolean} */ hidden) =>
        page.evaluate((value) => {
          Object.defineProperty(document, 'hidden', { value, configurable: true });
          document.dispatchEvent(new Event('visibilitychange'));
        }, hidden);
      await hide(true);
      await button('Start').waitFor();
      const held = await step();
      await page
        .getByRole('status')
        .filter({ hasText: 'Training is paused while this tab is hidden.' })
        .waitFor();
      assert.equal(await step(), held);
      await hide(false);
      await untilStep(held + 5);
      assert.equal(await button('Pause').count(), 1);
    }
  });
});
