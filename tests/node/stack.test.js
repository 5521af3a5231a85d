/** Where the JavaScript stack ends, a call of the engine is not begun: the engine and the model are as before. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  assertSameParameters,
  onEveryVariant,
  parametersOf,
  randomBatch,
  TINY_CLASSIFIER,
} from './helpers.js';

const step = { ...randomBatch(TINY_CLASSIFIER, 1), learningRate: 0.01 };

/** How deep a recursion goes, when it has been compiled. */
let depth = 0;
for (let i = 0; i < 20; i++) {
  const count = (/** @type {number} */ n) => {
    depth = n;
    count(n + 1);
  };
  assert.throws(() => count(0), RangeError);
}

/**
 * Calls a function in each frame of a recursion where the stack nears its end, until there is no room for it.
 * @param {() => unknown} call
 * @returns {number} how often it worked
 */
function toTheEnd(call) {
  let worked = 0;
  const deep = (/** @type {number} */ n) => {
    if (n > 0.94 * depth) {
      call();
      worked++;
    }
    deep(n + 1);
  };
  assert.throws(() => deep(0), RangeError);
  return worked;
}

onEveryVariant((bench) => {
  for (const [what, calls] of /** @type {[string, (model: any) => unknown][]} */ ([
    ['reading', (model) => model.step],
    ['a training step', (model) => model.trainStep(step)],
    ['an evaluation', (model) => model.evaluate({ inputs: step.inputs, targets: step.targets })],
  ])) {
    it(what, () => {
      const [model, plain] = [bench.classifier(TINY_CLASSIFIER), bench.classifier(TINY_CLASSIFIER)];
      // Compiled code takes less stack, and ends elsewhere.
      for (let i = 0; i < 3; i++) assert.ok(toTheEnd(() => calls(model)) > 0);
      while (plain.step < model.step) plain.trainStep(step);
      assert.deepEqual(model.trainStep(step), plain.trainStep(step));
      assertSameParameters(parametersOf(model), parametersOf(plain));
    });
  }
});
