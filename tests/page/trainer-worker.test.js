import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { dataFor } from '../../demo/plane/data.js';
import { capacity } from '../../demo/plane/frame.js';
import { planeSettings } from '../../demo/plane/settings.js';
import { Session } from '../../demo/session/session.js';
import { createTrainerClient } from '../../demo/trainer/trainer-client.js';

/** The worker of the page, in Node: what it uses of a browser's worker is put in its place. */
const script = `
  const { parentPort } = require('node:worker_threads');
  globalThis.addEventListener = (type, listener) => parentPort.on(type, (data) => listener({ data }));
  globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
  import(${JSON.stringify(new URL('../../demo/trainer/trainer-worker.js', import.meta.url).href)});
`;

/** @type {Worker[]} */
const workers = [];

async function openClient() {
  const worker = new Worker(script, { eval: true });
  workers.push(worker);
  const client = createTrainerClient({
    postMessage: (message, transfer) => worker.postMessage(message, /** @type {any} */ (transfer)),
    addEventListener: (type, listener) =>
      worker.on(type, (value) => listener(type === 'message' ? { data: value } : value)),
    terminate: () => worker.terminate(),
  });
  await client.request('open', {});
  return client;
}

const usual = Object.fromEntries(planeSettings.map(({ key, default: value }) => [key, value]));
const { classes, train, heldOut, batch, seed } = dataFor(usual);
const size = { layers: 1, dModel: 8, dInner: 8, experts: 4, topK: 2, hyperSize: 16, seed: 1 };
const plan = {
  task: /** @type {const} */ ('plane'),
  config: { ...size, router: 'smoe', inputSize: 2, classes, batchSize: capacity },
  learningRate: 0.01,
  data: train,
  body: { classes, train, heldOut, batch, seed },
  loads: () => [],
};

describe('the worker that trains', () => {
  /** @type {Session} */
  let session;
  before(async () => {
    session = new Session({ openClient, onStop: (error) => assert.fail(error) });
    (await session.load(plan)).show();
  });
  after(() => session.dispose());

  it('trains to a step, and reports it', async () => {
    await session.advance(7);
    await session.frame();
    assert.equal(session.step.value, 7);
    assert.equal(session.losses.value.steps.length, 7);
    assert.ok(session.picture.value);
  });

  it('tells how much it learns per second by the clock, not by the time of its steps', async () => {
    await session.setPace(20);
    await session.advance(session.step.value + 30);
    await session.setPace(0);
    await session.frame();
    const { value } = session.speed;
    // By the time of its steps it would be a hundred times as many. A busy machine is slower, and then catches up.
    assert.ok(value > 0 && value < 4 * 20 * Number(batch), `${value} at 20 steps of ${batch} points`);
  });

  it('ends a run that is paused before it starts', async () => {
    const run = session.advance(1e9);
    // A worker that is fast, or a page that is slow, may have begun by then: what counts is that the run ends.
    await Promise.all([session.pause(), run]);
    await session.frame({ whole: true });
    const at = session.step.value;
    await session.frame({ whole: true });
    assert.equal(session.step.value, at);
  });

  it('ends a run in progress', async () => {
    const run = session.advance(1e9);
    while (session.step.value < 20) await session.frame();
    await session.pause();
    await run;
    await session.frame({ whole: true });
    const at = session.step.value;
    await session.frame({ whole: true });
    assert.equal(session.step.value, at);
  });

  it('restores the checkpoint, with another learning rate', async () => {
    (await session.load(plan)).show();
    await session.advance(5);
    (await session.rewind(0.001)).show();
    assert.equal(session.step.value, 0);
    assert.equal(session.losses.value.steps.length, 0);
    await session.advance(3);
    await session.frame();
    assert.equal(session.losses.value.steps.length, 3);
  });

  it('goes back to a model that another one replaced, which learns on as if nothing had been', async () => {
    const lossesTo = async (/** @type {number} */ step) => {
      await session.advance(step);
      await session.frame();
      return [...session.losses.value.train];
    };
    (await session.load(plan)).show();
    const expected = await lossesTo(12);
    (await session.load(plan)).show();
    await lossesTo(6);
    const past = await session.past();
    (await session.load({ ...plan, config: { ...plan.config, dInner: 4 } })).show();
    await session.advance(3);
    (await session.goBack(past, plan)).show();
    assert.equal(session.step.value, 6);
    assert.equal(session.moments.value[0].step, 0);
    assert.deepEqual(await lossesTo(12), expected);
    (await session.load(plan)).show();
  });

  it('evaluates every k, and can be stopped', async () => {
    await session.measure();
    assert.deepEqual(
      session.lossByK.value?.points.map(({ topK }) => topK),
      [1, 2, 3, 4],
    );
    await session.measure(1);
    assert.equal(session.lossByK.value?.points.length, 1);
  });

  it('rejects what it cannot build, and keeps its model', async () => {
    await assert.rejects(session.load({ ...plan, config: { ...plan.config, topK: 9 } }), {
      name: 'RangeError',
      message: /topK/,
    });
    await session.advance(4);
    await session.frame();
    assert.equal(session.step.value, 4);
    const { bytes } = await session.request('save', { optimizer: true });
    (await session.open(bytes, plan)).show();
    assert.equal(session.step.value, 4);
  });

  it('that dies is replaced for the next model', async () => {
    /** @type {string[]} */
    const stops = [];
    const other = new Session({ openClient, onStop: ({ message }) => stops.push(message) });
    (await other.load(plan)).show();
    const run = other.advance(1e9);
    /** @type {Worker} */ (workers.at(-1)).emit('error', new Error('out of memory'));
    await run;
    assert.deepEqual(stops, ['the worker stopped: out of memory']);
    assert.equal(other.status.value, 'failed');
    (await other.load(plan)).show();
    await other.advance(2);
    await other.frame();
    assert.equal(other.step.value, 2);
    other.dispose();
  });
});

const text = 'A pudding is in the eating, and a proof is in the pudding.\n'.repeat(700);
const textPlan = {
  task: /** @type {const} */ ('text'),
  config: { ...size, heads: 1, dHead: 8, memoryLength: 0, contextLength: 32, batchSize: 4, experts: 8 },
  learningRate: 0.01,
  data: { bytes: new TextEncoder().encode(text) },
};
const prompt = new TextEncoder().encode('A pudding');
const sampling = { temperature: 1, topP: 1, seed: 1 };

describe('requests to the worker that trains', () => {
  /** @type {Awaited<ReturnType<typeof openClient>>} */
  let client;
  /** @type {Worker} */
  let worker;
  before(async () => {
    client = await openClient();
    worker = /** @type {Worker} */ (workers.at(-1));
    await client.request('build', textPlan);
  });
  after(() => client.close());

  it('that are malformed are refused, and the next is served', async () => {
    await assert.rejects(client.request('runTo', /** @type {any} */ ({})), /runTo\.step is undefined/);
    assert.deepEqual(await client.request('tune', {}), { step: 0 });
  });

  it('are served one after the other, also where one takes long', async () => {
    /** @type {string[]} */
    const ended = [];
    await Promise.all([
      client.request('measure', {}).then(() => ended.push('measure')),
      client.request('frame', { recycle: null, whole: true }).then(() => ended.push('frame')),
    ]);
    assert.deepEqual(ended, ['measure', 'frame']);
  });

  /**
   * Tries until a request is cancelled: where the page is slow, it may have been served before.
   *
   * @param {() => Promise<{ reason: string }>} request
   */
  async function becomesCancelled(request) {
    let reason = '';
    for (let tries = 0; tries < 50 && reason !== 'cancelled'; tries++) ({ reason } = await request());
    assert.equal(reason, 'cancelled');
  }

  it('are cancelled while they are served and while they wait', async () => {
    for (const waits of [false, true]) {
      await becomesCancelled(async () => {
        const first = client.request('measure', {});
        const second = waits ? client.request('measure', {}) : first;
        await client.request('cancel', { id: second.id });
        await first;
        return second;
      });
    }
    await becomesCancelled(async () => {
      /** @type {Promise<unknown> | undefined} */
      let cancel;
      const onPart = () => {
        cancel ??= client.request('cancel', { id: request.id });
      };
      const request = client.request('measure', {}, { onPart });
      await request;
      await cancel;
      return request;
    });
  });

  it('that wait stay where training is paused', async () => {
    const run = client.request('runTo', { step: 1e9 });
    const saved = client.request('save', { optimizer: false });
    await client.request('pause', {});
    assert.equal((await run).reason, 'paused');
    assert.ok((await saved).bytes.length > 1000);
  });

  it('to generate are answered token by token, until another one, cancel or another model comes', async () => {
    /** @type {number[]} */
    const written = [];
    const onPart = (/** @type {{ tokens: Int32Array }} */ { tokens }) => written.push(...tokens);
    const short = { ...sampling, prompt, maxTokens: 40 };
    assert.deepEqual(await client.request('generate', short, { onPart }), { reason: 'done' });
    assert.equal(written.length, 40);
    const long = { ...sampling, prompt, maxTokens: 2000 };
    await becomesCancelled(async () => {
      const first = client.request('generate', long);
      await client.request('generate', short);
      return first;
    });
    await becomesCancelled(async () => {
      const request = client.request('generate', long);
      await client.request('cancel', { id: request.id });
      return request;
    });
    await becomesCancelled(async () => {
      const request = client.request('generate', long);
      await client.request('build', textPlan);
      return request;
    });
  });

  it('to train end where another one comes, and where the model is replaced', async () => {
    const first = client.request('runTo', { step: 1e9 });
    const second = client.request('runTo', { step: 1e9 });
    assert.equal((await first).reason, 'paused');
    const { step } = await client.request('build', textPlan);
    assert.equal((await second).reason, 'paused');
    assert.equal(step, 0);
    assert.deepEqual(await client.request('runTo', { step: 0 }), { step: 0, reason: 'reached' });
  });

  it('to train are refused where training diverges, and it stops there until it is asked to go on', async () => {
    await client.request('build', { ...textPlan, learningRate: 100 });
    /** @type {any} */
    const error = await client.request('runTo', { step: 1e9 }).catch((reason) => reason);
    assert.equal(error.name, 'DivergedError');
    for (let i = 0; i < 3; i++) {
      const { step } = await client.request('frame', { recycle: null, whole: false });
      assert.equal(step, error.step);
    }
    await client.request('tune', { learningRate: 0.01 });
    await client.request('rewind', {});
    assert.deepEqual(await client.request('runTo', { step: 3 }), { step: 3, reason: 'reached' });
  });

  it('for another task, or for what it cannot do, are refused by name', async () => {
    await assert.rejects(client.request('build', { ...textPlan, task: /** @type {any} */ ('toString') }), {
      name: 'RangeError',
      message: 'unknown task “toString”; the tasks are text, plane, curve',
    });
    const { learningRate, task, config, body: data } = plan;
    await client.request('build', { task, config, learningRate, data });
    await assert.rejects(client.request('generate', { ...sampling, prompt, maxTokens: 1 }), {
      name: 'TypeError',
      message: 'only a language model can generate text',
    });
    await client.request('build', textPlan);
  });

  it('leave the worker idle once they are answered, and between the steps of a slow pace', async () => {
    /** Whether there is a time in which the worker rests. On a busy machine a single step may fill one. */
    async function rests() {
      for (let tries = 0; tries < 20; tries++) {
        const since = worker.performance.eventLoopUtilization();
        await delay(300);
        if (worker.performance.eventLoopUtilization(since).utilization < 0.8) return true;
      }
      return false;
    }
    assert.ok(await rests());
    await client.request('tune', { pace: 1 });
    const run = client.request('runTo', { step: 1e9 });
    let step = 0;
    while (step < 1) ({ step } = await client.request('frame', { recycle: null, whole: false }));
    assert.ok(await rests());
    await client.request('pause', {});
    assert.equal((await run).reason, 'paused');
  });
});
