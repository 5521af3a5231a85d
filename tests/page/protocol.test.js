import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { frameBytes, frameViews, writePrediction } from '../../demo/text/frame.js';
import { createTrainerClient } from '../../demo/trainer/trainer-client.js';
import { checkRequest, packError, unpackError } from '../../demo/trainer/trainer-protocol.js';
import { DivergedError, EngineError, OutOfMemoryError } from '../../web/errors.js';

describe('requests', () => {
  it('are accepted if complete', () => {
    const build = { id: 3, type: 'build', body: { task: 'text', config: {}, learningRate: 0.1, data: null } };
    assert.equal(checkRequest(build), build);
    checkRequest({ id: 1, type: 'open', body: {} });
    checkRequest({ id: 1, type: 'frame', body: { recycle: null, whole: true } });
    checkRequest({ id: 1, type: 'tune', body: {} });
  });

  it('are rejected otherwise, saying why', () => {
    const wrong = /** @type {const} */ ([
      [null, /a request must be an object, not null/],
      ['open', /a request must be an object/],
      [{ type: 'open', body: {} }, /the id of a request must be an integer, not undefined/],
      [{ id: 1, type: 'close', body: {} }, /unknown request “close”; the requests are open, build/],
      [{ id: 1, type: 'toString', body: {} }, /unknown request “toString”/],
      [{ id: 1, type: 'open' }, /the body of open must be an object/],
      [{ id: 1, type: 'open', body: { x: 1 } }, /open has no key “x”/],
      [{ id: 1, type: 'runTo', body: {} }, /runTo.step is undefined; it must be number/],
      [{ id: 1, type: 'runTo', body: { step: '9' } }, /runTo.step is string/],
      [{ id: 1, type: 'frame', body: { recycle: [], whole: true } }, /frame.recycle is object; .* buffer/],
      [{ id: 1, type: 'save', body: { optimizer: null } }, /save.optimizer/],
    ]);
    for (const [value, message] of wrong) {
      assert.throws(() => checkRequest(value), { name: 'TypeError', message });
    }
  });
});

describe('errors', () => {
  /** @param {unknown} error */
  const across = (error) => unpackError(structuredClone(packError(error)));

  it('keep their class and their properties', () => {
    const diverged = across(new DivergedError('the loss is NaN', 12));
    assert.ok(diverged instanceof DivergedError);
    assert.equal(diverged.step, 12);
    assert.equal(diverged.message, 'the loss is NaN');
    const memory = across(new OutOfMemoryError('too much', 5e9));
    assert.ok(memory instanceof OutOfMemoryError && memory.bytes === 5e9);
    assert.ok(across(new EngineError('no SIMD')) instanceof EngineError);
    assert.ok(across(new RangeError('out')) instanceof RangeError);
  });

  it('of other classes keep their name', () => {
    assert.equal(across(new DOMException('stopped', 'AbortError')).name, 'AbortError');
    assert.equal(across('a string').message, 'a string');
    assert.equal(unpackError({ name: 'constructor', message: 'no class' }).constructor, Error);
  });
});

/** A worker that answers as the test says. */
class Port extends EventTarget {
  /** @type {any[]} */
  sent = [];
  /** @param {any} message */
  postMessage(message) {
    this.sent.push(message);
  }
  /** @param {unknown} data */
  answer(data) {
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }
}

describe('client', () => {
  it('matches each answer to its request', async () => {
    const port = new Port();
    const client = createTrainerClient(port);
    const first = client.request('pause', {});
    const second = client.request('save', { optimizer: true });
    assert.deepEqual(port.sent, [
      { id: first.id, type: 'pause', body: {} },
      { id: second.id, type: 'save', body: { optimizer: true } },
    ]);
    port.answer({ id: second.id, kind: 'result', body: 'second' });
    port.answer({ id: first.id, kind: 'result', body: 'first' });
    assert.equal(await first, 'first');
    assert.equal(await second, 'second');
  });

  it('passes on parts before the result', async () => {
    const port = new Port();
    /** @type {unknown[]} */
    const parts = [];
    const request = createTrainerClient(port).request('measure', {}, { onPart: (part) => parts.push(part) });
    port.answer({ id: request.id, kind: 'part', body: 1 });
    port.answer({ id: request.id, kind: 'part', body: 2 });
    assert.deepEqual(parts, [1, 2]);
    port.answer({ id: request.id, kind: 'result', body: { reason: 'done' } });
    assert.deepEqual(await request, { reason: 'done' });
    port.answer({ id: request.id, kind: 'part', body: 3 });
    assert.deepEqual(parts, [1, 2], 'none after it');
  });

  it('rejects with the class of the error', async () => {
    const port = new Port();
    const request = createTrainerClient(port).request('runTo', { step: 5 });
    port.answer({ id: request.id, kind: 'error', error: { name: 'DivergedError', message: 'NaN', step: 4 } });
    await assert.rejects(request, (error) => error instanceof DivergedError && error.step === 4);
  });

  it('rejects everything when the worker stops, and later requests too', async () => {
    for (const type of ['error', 'messageerror']) {
      const port = Object.assign(new Port(), { ended: 0, terminate: () => port.ended++ });
      const client = createTrainerClient(port);
      const requests = [client.request('pause', {}), client.request('measure', {})];
      port.dispatchEvent(Object.assign(new Event(type), { message: 'out of memory' }));
      for (const request of requests) await assert.rejects(request, /the worker stopped: out of memory/);
      assert.match((await client.lost).message, /the worker stopped: out of memory/);
      await assert.rejects(client.request('pause', {}), /the worker stopped: out of memory/);
      assert.equal(port.sent.length, 2);
      assert.equal(port.ended, 1, 'what is left of it ends');
      // What it had said before comes too late.
      port.answer({ id: requests[0].id, kind: 'result', body: {} });
      client.close();
      await assert.rejects(client.request('pause', {}), /out of memory/, 'the first reason stays');
    }
  });

  it('rejects everything once it is closed', async () => {
    const port = Object.assign(new Port(), { ended: 0, terminate: () => port.ended++ });
    const client = createTrainerClient(port);
    /** @type {unknown[]} */
    const parts = [];
    const before = client.request('measure', {}, { onPart: (part) => parts.push(part) });
    client.close();
    await assert.rejects(before, { name: 'DisposedError' });
    port.answer({ id: before.id, kind: 'part', body: 1 });
    assert.deepEqual(parts, [], 'what it had said before comes too late');
    await assert.rejects(client.request('pause', {}), /the worker was closed/);
    assert.equal(port.ended, 1);
    assert.equal(port.sent.length, 1);
  });
});

describe('frames', () => {
  const shape = { tokens: 3, layers: 2, topK: 2, experts: 4, predictions: 2 };

  it('are one buffer of parts without gaps or overlap', () => {
    const buffer = new ArrayBuffer(frameBytes(shape));
    const { layers, next, nextProbabilities, losses } = frameViews(buffer, shape);
    const parts = [
      ...layers.flatMap((l) => [l.experts, l.weights, l.logits]),
      next,
      nextProbabilities,
      losses,
    ];
    assert.deepEqual(
      parts.map(({ length }) => length),
      [6, 6, 12, 6, 6, 12, 6, 6, 3],
    );
    let at = 0;
    for (const part of parts) {
      assert.equal(part.byteOffset, at);
      at += part.byteLength;
    }
    assert.equal(at, buffer.byteLength);
  });

  it('have the most likely next tokens, and the loss', () => {
    const views = frameViews(new ArrayBuffer(frameBytes(shape)), shape);
    const p = [0.1, 0.45, 0.05, 0.4];
    writePrediction(
      views,
      1,
      Float32Array.from(p, (x) => Math.log(x) + 7),
      3,
      2,
    );
    assert.deepEqual([...views.next.subarray(2, 4)], [1, 3]);
    assert.ok(Math.abs(views.nextProbabilities[2] - 0.45) < 1e-6);
    assert.ok(Math.abs(views.nextProbabilities[3] - 0.4) < 1e-6);
    assert.ok(Math.abs(views.losses[1] + Math.log(0.4)) < 1e-6);
    writePrediction(views, 2, new Float32Array(4), -1, 2);
    assert.ok(Number.isNaN(views.losses[2]));
  });
});
