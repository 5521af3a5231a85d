import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constantSchedule, cosineSchedule, topKSchedule } from '../../web/schedules.js';

test('the cosine agrees with the mathematical one to 1e-15', () => {
  const rate = cosineSchedule({ learningRate: 2, steps: 20000 });
  for (let step = 0; step <= 20000; step++) {
    assert.ok(Math.abs(rate(step) - (1 + Math.cos((Math.PI * step) / 20000))) < 1e-15, `step ${step}`);
  }
});

test('the cosine schedule gives known bits', () => {
  const rate = cosineSchedule({ learningRate: 3e-3, steps: 1000, warmup: 50 });
  assert.deepEqual(
    [0, 49, 50, 51, 333, 525, 777, 999].map(rate),
    [
      0.00006, 0.003, 0.003, 0.0029999917981201607, 0.002389684647293749, 0.0015, 0.00038971913236681224,
      8.201879839297987e-9,
    ],
  );
});

test('the cosine schedule warms up, starts at the top, halves in the middle and ends on the floor', () => {
  const rate = cosineSchedule({ learningRate: 1, steps: 110, warmup: 10, floor: 0.2 });
  assert.equal(rate(0), 0.1);
  assert.equal(rate(8), 0.9);
  assert.equal(rate(9), 1);
  assert.equal(rate(10), 1);
  assert.ok(Math.abs(rate(60) - 0.6) < 1e-15);
  assert.equal(rate(110), 0.2);
  assert.equal(rate(1e6), 0.2);
  for (let step = 10; step < 110; step++) assert.ok(rate(step + 1) < rate(step));
});

test('the cosine schedule has defaults and may consist of the warm-up', () => {
  const rate = cosineSchedule({ learningRate: 3e-3, steps: 100 });
  assert.equal(rate(0), 3e-3);
  assert.equal(rate(100), 0);
  const warming = cosineSchedule({ learningRate: 1, steps: 4, warmup: 4 });
  assert.deepEqual([0, 1, 2, 3, 4].map(warming), [0.25, 0.5, 0.75, 1, 0]);
});

test('the constant schedule keeps its rate after the warm-up', () => {
  assert.equal(constantSchedule({ learningRate: 0.5 })(7), 0.5);
  assert.deepEqual([0, 1, 2, 3].map(constantSchedule({ learningRate: 1, warmup: 2 })), [0.5, 1, 1, 1]);
});

test('k grows linearly and stays', () => {
  const k = topKSchedule({ kMin: 8, kMax: 16, steps: 80 });
  assert.deepEqual([0, 4, 5, 40, 74, 75, 79, 80, 1000].map(k), [8, 8, 9, 12, 15, 16, 16, 16, 16]);
  assert.equal(topKSchedule({ kMax: 3, kind: 'constant' })(50), 3);
  assert.equal(topKSchedule({ kMax: 4, steps: 10 })(0), 1);
});

test('bad arguments are named, with their value and the valid values', () => {
  /** @type {[() => unknown, RegExp][]} */
  const cases = [
    [
      () => cosineSchedule({ learningRate: 0, steps: 1 }),
      /^learningRate must be a finite number above 0, got 0$/,
    ],
    [() => cosineSchedule({ learningRate: NaN, steps: 1 }), /^learningRate .*, got NaN$/],
    [() => cosineSchedule({ learningRate: 1, steps: 0 }), /^steps must be an integer of at least 1, got 0$/],
    [() => cosineSchedule({ learningRate: 1, steps: 1.5 }), /^steps .*, got 1.5$/],
    [
      () => cosineSchedule({ learningRate: 1, steps: 5, warmup: 6 }),
      /^warmup .* from 0 to 5 \(steps\), got 6$/,
    ],
    [() => cosineSchedule({ learningRate: 1, steps: 5, warmup: -1 }), /^warmup .*, got -1$/],
    [
      () => cosineSchedule({ learningRate: 1, steps: 5, floor: 2 }),
      /^floor .* from 0 to 1 \(learningRate\), got 2$/,
    ],
    [() => constantSchedule({ learningRate: -1 }), /^learningRate .*, got -1$/],
    [() => constantSchedule({ learningRate: 1, warmup: 0.5 }), /^warmup .*, got 0.5$/],
    [() => topKSchedule({ kMax: 0, steps: 1 }), /^kMax .*, got 0$/],
    [
      () => topKSchedule({ kMin: 5, kMax: 4, steps: 1 }),
      /^kMin must be an integer from 1 to 4 \(kMax\), got 5$/,
    ],
    [
      () => topKSchedule({ kMax: 4, kind: /** @type {any} */ ('cosine') }),
      /^kind .*"linear_increase", got "cosine"$/,
    ],
  ];
  for (const [call, message] of cases) assert.throws(call, { name: 'RangeError', message });
  assert.throws(() => topKSchedule({ kMax: 4 }), {
    name: 'TypeError',
    message: /^steps must be an integer, got undefined$/,
  });
});
