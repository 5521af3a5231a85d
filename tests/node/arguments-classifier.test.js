/** Bad arguments of every call of a classifier: as arguments.test.js. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assertSameBits,
  errorOf,
  liven,
  onEveryVariant,
  randomBatch,
  randomFloats,
  TINY_CLASSIFIER,
} from './helpers.js';
import { BAD_ID_ARRAYS, BAD_RATES, BAD_TOP_K, refuse, stateOf, withId } from './refusals.js';

/** @import { Classifier } from '../../web/index.js' */
/** @import { Bad } from './refusals.js' */

onEveryVariant((bench) => {
  const { inputSize, classes } = TINY_CLASSIFIER;
  const most = TINY_CLASSIFIER.batchSize;
  const batch = randomBatch(TINY_CLASSIFIER, 1);
  const trainedClassifier = () => {
    const model = liven(bench.classifier(TINY_CLASSIFIER));
    model.trainStep({ ...batch, learningRate: 0.01 });
    return model;
  };
  /** @type {Record<string, (model: Classifier, value: any) => unknown>} */
  const calls = {
    evaluate: (model, value) => model.evaluate(value),
    gradients: (model, value) => model.gradients(value),
    trainStep: (model, value) => model.trainStep({ learningRate: 0.1, ...value }),
    predict: (model, value) => model.predict(value.inputs),
  };

  for (const [name, call] of Object.entries(calls)) {
    test(`${name}: inputs`, () => {
      const model = trainedClassifier();
      refuse(
        model,
        'inputs',
        [
          [undefined, TypeError, /must be a Float32Array or an array of numbers, got undefined/],
          [null, TypeError, /must be a Float32Array or an array of numbers, got null/],
          [['1'], TypeError, /\[0\] must be a finite number, got "1"/],
          [[1, Number.NaN], RangeError, /\[1\] must be a finite number .*, got NaN/],
          [[1e39], RangeError, /\[0\] must be a finite number \(in single precision\), got 1e\+39/],
          [[[1, 2]], RangeError, /\[0\] must have 3 numbers, got 2/],
          [
            Float64Array.from(batch.inputs),
            TypeError,
            /must be a Float32Array or an array of numbers, got a Float64Array/,
          ],
          [
            new Int32Array(batch.inputs.length),
            TypeError,
            /must be a Float32Array or an array of numbers, got an? Int32Array/,
          ],
          ...(name === 'predict' ? [0, 1, inputSize + 1] : [0, 1, inputSize + 1, (most + 1) * inputSize]).map(
            (size) => {
              const range = name === 'predict' ? '' : `, n from 1 to ${most} .*`;
              const message = `n x ${inputSize} numbers \\(inputSize\\)${range}, got ${size}$`;
              return /** @type {Bad} */ ([randomFloats(size, 1), RangeError, new RegExp(message)]);
            },
          ),
        ],
        (_, inputs) => call(model, { ...batch, inputs }),
      );
      for (const [at, value] of [
        [0, Number.NaN],
        [4, Number.POSITIVE_INFINITY],
        [batch.inputs.length - 1, Number.NEGATIVE_INFINITY],
      ]) {
        const message = new RegExp(`\\[${at}\\] must be a finite number, got ${value}$`);
        refuse(model, 'inputs', [[value, RangeError, message]], () => {
          const inputs = batch.inputs.slice();
          inputs[at] = value;
          return call(model, { ...batch, inputs });
        });
      }
    });
    if (name === 'predict') continue;
    test(`${name}: targets`, () => {
      const model = trainedClassifier();
      refuse(model, 'targets', BAD_ID_ARRAYS, (_, targets) => call(model, { ...batch, targets }));
      for (const [at, id] of [
        [0, -1],
        [3, classes],
        [most - 1, 2 ** 31 - 1],
      ]) {
        const message = new RegExp(`\\[${at}\\] must be from 0 to ${classes - 1}, got ${id}$`);
        refuse(model, 'targets', [[id, RangeError, message]], (_, value) =>
          call(model, { ...batch, targets: withId(batch.targets, at, value) }),
        );
      }
      refuse(
        model,
        'targets',
        [0, 1, most - 1, most + 1].map((size) => {
          return [size, RangeError, new RegExp(`for each of the ${most} inputs, got ${size}$`)];
        }),
        (_, size) => call(model, { ...batch, targets: new Int32Array(size) }),
      );
    });
  }

  test('no batch, learningRate, clip and topK', () => {
    const model = trainedClassifier();
    const none = /** @type {Bad[]} */ (
      [undefined, null, 7].map((value) => [value, TypeError, /must be an object, got /])
    );
    refuse(model, 'batch', none, (_, value) => model.evaluate(value));
    refuse(model, 'batch', none, (_, value) => model.gradients(value));
    refuse(model, 'options', none, (_, value) => model.trainStep(value));
    refuse(model, 'learningRate', BAD_RATES, (_, learningRate) =>
      model.trainStep({ ...batch, learningRate }),
    );
    refuse(model, 'clip', BAD_RATES, (_, clip) => model.trainStep({ ...batch, learningRate: 0.1, clip }));
    refuse(model, 'topK', BAD_TOP_K, (_, value) => {
      model.topK = value;
    });
  });

  test('class weights and the rate of the head', () => {
    const model = trainedClassifier();
    const weights = Array.from({ length: classes }, (_, i) => i + 0.5);
    const bad = weights.map((weight, i) => (i === 2 ? 0 : weight));
    const probabilities = model.predict(batch.inputs);
    let [nats, total] = [0, 0];
    batch.targets.forEach((target, i) => {
      nats -= weights[target] * Math.log(probabilities[i * classes + target]);
      total += weights[target];
    });
    const { loss } = model.evaluate({ ...batch, classWeights: weights });
    assert.ok(Math.abs(loss - nats / total) < 1e-5, `${loss}, expected ${nats / total}`);
    const step = { ...batch, learningRate: 0.1 };
    refuse(
      model,
      'classWeights[2]',
      [[bad, RangeError, /must be a finite number from 1e-20 to 1e\+20/]],
      (_, classWeights) => model.trainStep({ ...step, classWeights }),
    );
    refuse(
      model,
      'headLearningRate',
      BAD_RATES.filter(([value]) => value !== undefined),
      (_, headLearningRate) => model.trainStep({ ...step, headLearningRate }),
    );
  });

  test('after bad calls it continues as if there had been none', () => {
    const [model, twin] = [trainedClassifier(), trainedClassifier()];
    errorOf(() => model.evaluate({ ...batch, inputs: batch.inputs.map(() => Number.NaN) }));
    errorOf(() => model.trainStep({ ...batch, targets: withId(batch.targets, 7, classes), learningRate: 1 }));
    errorOf(() => model.predict(new Float32Array(0)));
    assert.deepEqual(stateOf(model), stateOf(twin));
    assertSameBits(model.predict(batch.inputs), twin.predict(batch.inputs), 'probabilities');
  });
});
