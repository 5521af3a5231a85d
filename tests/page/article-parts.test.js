import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { signal } from '@preact/signals';
import { load } from 'hyperrouter-wasm';
import { figures } from '../../demo/article/list.js';
import { createPlayer } from '../../demo/article/player.js';
import { distancesOf } from '../../demo/lessons/present.js';
import { Tab } from './fake-trainer.js';
import { stateOf, trained } from './node-runs.js';

describe('the player of a figure', () => {
  /** @param {boolean} calm */
  function player(calm) {
    const status = signal('building');
    const step = signal(0);
    /** @type {string[]} */
    const asked = [];
    const run = {
      status,
      step,
      start: () => {
        asked.push('start');
        status.value = 'running';
      },
      pause: () => {
        asked.push('pause');
        status.value = 'ready';
      },
    };
    const tab = new Tab();
    return {
      run,
      status,
      step,
      asked,
      tab,
      ...createPlayer({ run, limit: 100, calm, page: /** @type {any} */ (tab) }),
    };
  }
  const settled = () => new Promise((resolve) => setTimeout(resolve));

  it('plays in view alone, and not beyond its end', async () => {
    const { status, step, asked, inView, stop } = player(false);
    inView.value = true;
    await settled();
    assert.deepEqual(asked, [], 'there is no model yet');
    status.value = 'ready';
    await settled();
    inView.value = false;
    await settled();
    inView.value = true;
    await settled();
    assert.deepEqual(asked, ['start', 'pause', 'start']);
    step.value = 100;
    await settled();
    assert.deepEqual(asked.at(-1), 'pause');
    step.value = 0;
    await settled();
    assert.deepEqual(asked.at(-1), 'start', 'another model plays from its beginning');
    stop();
  });

  it('rests in a hidden tab, although the figure stays in view', async () => {
    const { status, asked, inView, tab, stop } = player(false);
    inView.value = true;
    status.value = 'ready';
    await settled();
    await tab.hide(true);
    await settled();
    assert.deepEqual(asked, ['start', 'pause']);
    await tab.hide(false);
    await settled();
    assert.deepEqual(asked, ['start', 'pause', 'start']);
    stop();
  });

  it('waits for the reader with reduced motion', async () => {
    const { status, asked, inView, toggle, stop } = player(true);
    inView.value = true;
    status.value = 'ready';
    await settled();
    assert.deepEqual(asked, []);
    toggle();
    await settled();
    toggle();
    await settled();
    assert.deepEqual(asked, ['start', 'pause']);
    stop();
  });
});

describe('the figures of the article', () => {
  /** @type {import('hyperrouter-wasm').Engine} */
  let engine;
  before(async () => {
    engine = await load({ variant: 'simd' });
  });
  after(() => engine.dispose());

  /** @param {string} name @param {import('../../demo/schema.js').Values} change */
  async function seen(name, change) {
    const { settings, limit } = figures[name];
    const { trainer, frame } = await trained(engine, 'plane', { ...settings, ...change }, limit);
    trainer.dispose();
    return frame;
  }

  it('have settings and choices that there are', () => {
    for (const { settings, control, choices = [] } of Object.values(figures)) {
      for (const choice of choices) stateOf(engine, 'plane', { ...settings, [control]: choice });
    }
  });

  it('show what they say: idle experts, and none with a load-balancing weight of 0.1', async () => {
    const idle = async (/** @type {number} */ loadBalanceWeight) =>
      (await seen('load', { loadBalanceWeight })).measures
        .at(-1)
        ?.layers[0].load.filter((share) => share === 0).length;
    assert.ok(Number(await idle(0)) >= 3);
    assert.equal(await idle(0.1), 0);
  });

  it('show what they say: R moves with one of the two gates', async () => {
    const moved = async (/** @type {string} */ gate) =>
      distancesOf((await seen('one-expert', { gate })).moments).R;
    assert.ok(Number(await moved('topk-softmax')) < 0.001);
    assert.ok(Number(await moved('softmax-topk')) > 1);
  });

  it('show what they say: standard top-k becomes certain earlier than the others', async () => {
    const entropy = async (/** @type {string} */ router) =>
      Number((await seen('routers', { router })).measures.at(-1)?.layers[0].entropy);
    assert.ok((await entropy('smoe')) < 0.75);
    assert.ok((await entropy('smoe-dropout')) > 0.9 && (await entropy('hyperrouter')) > 0.9);
  });
});
