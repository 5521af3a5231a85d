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

/**
 * Calls a function at the end of the stack, and again with each frame that is left, until it works.
 * @param {() => unknown} call
 * @returns {{ refused: number, worked: number }} how often
 */
function atTheEnd(call) {
  const count = { refused: 0, worked: 0 };
  const deep = () => {
    try {
      deep();
    } catch (error) {
      if (count.worked > 2) throw error;
      try {
        call();
        count.worked++;
      } catch (refused) {
        assert.equal(/** @type {Error} */ (refused).name, 'RangeError');
        count.refused++;
      }
      throw error;
    }
  };
  assert.throws(deep, RangeError);
  return count;
}

onEveryVariant((bench) => {
  for (const [what, calls] of /** @type {[string, (model: any) => unknown][]} */ ([
    ['reading', (model) => model.step],
    ['a training step', (model) => model.trainStep(step)],
    ['an evaluation', (model) => model.evaluate({ inputs: step.inputs, targets: step.targets })],
    ['a new model', () => bench.engine.createClassifier(TINY_CLASSIFIER).dispose()],
  ])) {
    it(what, () => {
      const [model, plain] = [bench.classifier(TINY_CLASSIFIER), bench.classifier(TINY_CLASSIFIER)];
      const { refused, worked } = atTheEnd(() => calls(model));
      assert.ok(refused > 0 && worked > 0);
      while (plain.step < model.step) plain.trainStep(step);
      assert.deepEqual(model.trainStep(step), plain.trainStep(step));
      assertSameParameters(parametersOf(model), parametersOf(plain));
    });
  }
});
