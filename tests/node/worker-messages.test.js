/** Messages to the worker's script that are no calls: they are refused, and the worker goes on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

const NO_CALLS = [
  ...[undefined, null, 5, 'x', [], {}, { id: 1 }],
  ...[
    { id: 1, target: 0, method: 'load' },
    { id: 1, target: 0, method: 'load', args: null },
    { id: 1, target: 0, method: 'constructor', args: [] },
    { id: 1, target: 0, method: '__proto__', args: [] },
    { id: 1, target: 'x', method: 'load', args: [] },
  ],
];

test('a message that is no call is answered with an error', async () => {
  const worker = new Worker(new URL('../../web/worker/host.js', import.meta.url));
  try {
    for (const message of NO_CALLS) {
      worker.postMessage(message);
      const [{ id, error }] = await once(worker, 'message');
      assert.equal(id, /** @type {any} */ (message)?.id ?? -1);
      assert.equal(error.name, 'TypeError');
      assert.match(error.message, /is not a call of this package/);
    }
    worker.postMessage({ id: 2, target: 0, method: 'load', args: [{ variant: 'simd' }] });
    const [{ id, value }] = await once(worker, 'message');
    assert.equal(id, 2);
    assert.equal(value.info.variant, 'simd');
  } finally {
    await worker.terminate();
  }
});
