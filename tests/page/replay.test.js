/** The runs of a study that are trained again, with workers and data that the test answers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createReplays } from '../../demo/results/replay.js';
import { settle } from './fake-trainer.js';

/** A worker that does nothing by itself. */
class FakeWorker extends EventTarget {
  /** @type {any[]} */
  asked = [];
  ended = false;
  /** @param {any} request */
  postMessage(request) {
    this.asked.push(request);
  }
  terminate() {
    this.ended = true;
  }
  /** @param {any} data */
  tell(data) {
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }
  /** @param {string} message */
  break(message) {
    this.dispatchEvent(Object.assign(new Event('error'), { message }));
  }
}

/** A promise that the test settles. */
function deferred() {
  /** @type {(value: any) => void} */
  let resolve = () => {};
  /** @type {(error: Error) => void} */
  let reject = () => {};
  const promise = new Promise((done, fail) => {
    [resolve, reject] = [done, fail];
  });
  return { promise, resolve, reject };
}

/**
 * Three runs of 20 steps.
 *
 * @param {{ from?: string }} [options] from: the study whose models they fine-tune
 */
function fake({ from } = {}) {
  /** @type {FakeWorker[]} */
  const workers = [];
  /** @type {ReturnType<typeof deferred>[]} */
  const searches = [];
  /** What the data wait for. */
  const loading = { until: /** @type {Promise<any>} */ (Promise.resolve()) };
  const results = /** @type {any} */ ({
    study: { name: 'ships', from },
    data: [{ file: 'ships.txt', bytes: 1, sha256: '' }],
    runs: [{ steps: 20 }, { steps: 20 }, { steps: 20 }],
  });
  const replays = createReplays(results, {
    async dataAtHand() {
      await loading.until;
      return { files: {}, missing: [] };
    },
    giveData: async () => '',
    findResults() {
      const search = deferred();
      searches.push(search);
      return search.promise;
    },
    openWorker() {
      workers.push(new FakeWorker());
      return /** @type {any} */ (workers.at(-1));
    },
  });
  return { replays, results, workers, searches, loading };
}

/** Whose first run is being trained. */
async function running() {
  const all = fake();
  all.replays.start(0);
  await settle();
  return { ...all, worker: all.workers[0] };
}

const progress = { kind: 'progress', step: 7, steps: 20 };
const same = { kind: 'done', parting: null };
const base = { study: { name: 'words' }, data: [], runs: [] };

describe('a run that is trained again', () => {
  it('says how far it is, and ends with its worker', async () => {
    const { replays, worker, results } = await running();
    assert.equal(worker.asked[0].results, results);
    assert.equal(worker.asked[0].run, 0);
    assert.deepEqual(replays.replays.value, { 0: { kind: 'running', step: 0, steps: 20 } });
    worker.tell(progress);
    assert.deepEqual(replays.replays.value, { 0: { kind: 'running', step: 7, steps: 20 } });
    worker.tell(same);
    assert.deepEqual(replays.replays.value, { 0: { kind: 'same' } });
    assert.equal(replays.current.value, null);
    assert.equal(replays.last.value, 0);
    assert.equal(worker.ended, true);
  });

  it('is the only one', async () => {
    const { replays, workers } = await running();
    replays.start(1);
    await settle();
    assert.equal(workers.length, 1);
    assert.equal(replays.current.value, 0);
    assert.equal(replays.replays.value[1], undefined);
  });

  it('that was stopped hears nothing more of its worker, also when it is trained again', async () => {
    const { replays, workers, worker } = await running();
    worker.tell(progress);
    replays.stop();
    assert.equal(worker.ended, true);
    const stopped = { 0: { kind: 'stopped', step: 7 } };
    assert.deepEqual(replays.replays.value, stopped);
    // What a worker had said before it ended may be heard later.
    worker.tell(same);
    worker.break('out of memory');
    assert.deepEqual(replays.replays.value, stopped);
    replays.stop();
    assert.deepEqual(replays.replays.value, stopped, 'there is nothing to stop');

    replays.start(0);
    await settle();
    worker.tell(progress);
    worker.tell(same);
    worker.break('out of memory');
    assert.deepEqual(replays.replays.value, { 0: { kind: 'running', step: 0, steps: 20 } });
    workers[1].tell(same);
    assert.deepEqual(replays.replays.value, { 0: { kind: 'same' } });
  });

  it('that was stopped while its data were loaded opens no worker, nor a second one', async () => {
    const { replays, workers, loading } = fake();
    const slow = deferred();
    loading.until = slow.promise;
    replays.start(0);
    await settle();
    replays.stop();
    loading.until = Promise.resolve();
    replays.start(0);
    await settle();
    assert.equal(workers.length, 1);
    slow.resolve(undefined);
    await settle();
    assert.equal(workers.length, 1);
    assert.equal(workers[0].ended, false);
  });

  it('that was stopped before its data could not be loaded stays stopped', async () => {
    const { replays, loading } = fake();
    const slow = deferred();
    loading.until = slow.promise;
    replays.start(0);
    await settle();
    replays.stop();
    slow.reject(new Error('the book could not be loaded: 404'));
    await settle();
    assert.deepEqual(replays.replays.value, { 0: { kind: 'stopped', step: 0 } });
  });

  it('that was stopped while the results of another study were sought asks for none', async () => {
    const { replays, searches } = fake({ from: 'words' });
    replays.start(0);
    replays.stop();
    searches[0].resolve(null);
    await settle();
    assert.equal(replays.wanting.peek(), null);
    assert.deepEqual(replays.replays.value, { 0: { kind: 'stopped', step: 0 } });
    replays.start(0);
    searches[1].resolve(null);
    await settle();
    assert.equal(replays.wanting.peek()?.base, 'words', 'as one does that goes on');
  });

  it('fails where its data cannot be loaded, or with its worker, and the next one is trained', async () => {
    const { replays, workers, loading } = fake();
    loading.until = Promise.reject(new Error('the book could not be loaded: 404'));
    await replays.start(0);
    loading.until = Promise.resolve();
    await replays.start(1);
    workers[0].break('');
    await replays.start(2);
    workers[1].tell({ kind: 'failed', message: 'out of memory' });
    assert.deepEqual(replays.replays.value, {
      0: { kind: 'failed', message: 'the book could not be loaded: 404' },
      1: { kind: 'failed', message: 'the worker could not be started' },
      2: { kind: 'failed', message: 'out of memory' },
    });
    assert.ok(workers.every(({ ended }) => ended));
    assert.equal(replays.current.value, null);
  });
});

describe('the summary of a file', () => {
  it('is checked by a worker, which ends with its answer', async () => {
    const { replays, workers } = fake();
    replays.check();
    await settle();
    const parting = { what: 'variants', here: 1, there: 2 };
    assert.equal(workers[0].asked[0].run, null);
    workers[0].tell({ kind: 'done', parting });
    assert.deepEqual(replays.summary.value, parting);
    assert.equal(workers[0].ended, true);
  });

  it('is not checked any more when the study is closed', async () => {
    const { replays, workers } = fake();
    const end = replays.check();
    await settle();
    end();
    assert.equal(workers[0].ended, true);
  });

  it('is not checked where the study is closed while the other one is sought', async () => {
    const { replays, workers, searches } = fake({ from: 'words' });
    const end = replays.check();
    end();
    searches[0].resolve(base);
    await settle();
    assert.equal(workers.length, 0);
    replays.check();
    await settle();
    assert.equal(workers.length, 1, 'as one is that goes on');
  });

  it('cannot be checked without the other study', async () => {
    const { replays, workers, searches } = fake({ from: 'words' });
    replays.check();
    searches[0].resolve(null);
    await settle();
    assert.equal(workers.length, 0);
  });
});
