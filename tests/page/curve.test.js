import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { load } from 'hyperrouter-wasm';
import { curves } from '../../demo/curve/data.js';
import { fromCurveRoom } from '../../demo/curve/old-address.js';
import { stretchesInWords, stretchesOf } from '../../demo/curve/stretches.js';
import { settingsAt } from '../../demo/opening/settings.js';
import { dataFor } from '../../demo/plane/data.js';
import { mapViews } from '../../demo/plane/frame.js';
import { reach } from '../../demo/plane/geometry.js';
import { encodePainted } from '../../demo/plane/painted.js';
import { planePresets } from '../../demo/plane/presets.js';
import { mapThumbnails } from '../../demo/plane/thumbnails.js';
import { openCurveModel } from '../../demo/trainer/curve-trainer.js';
import { openPlaneModel } from '../../demo/trainer/plane-trainer.js';
import { stateOf, trained } from './node-runs.js';

/** @type {import('hyperrouter-wasm').Engine} */
let engine;
before(async () => {
  engine = await load({ variant: 'simd' });
});
after(() => engine.dispose());

const { values: pieces, hint } =
  planePresets.list.find(({ values }) => values.data === 'curve') ?? assert.fail('no example of a curve');

/**
 * @param {import('../../demo/schema.js').Values} values
 * @param {number} steps
 */
async function learned(values, steps) {
  const { trainer, frame } = await trained(engine, 'plane', values, steps);
  const shape = /** @type {import('../../demo/plane/frame.js').MapShape} */ (frame.shape);
  const buffer = /** @type {ArrayBuffer} */ (frame.buffer);
  const views = mapViews(buffer, shape);
  const line = views.line ?? assert.fail('no line');
  return { trainer, frame, shape, buffer, views, line };
}

describe('a curve', () => {
  it('is learned by four experts with a piece each, as its example says', async () => {
    assert.match(hint, /each learns a piece/);
    const { trainer, frame, shape, line, views, buffer } = await learned(pieces, 600);
    const stretches = stretchesOf(line.places[0].experts, shape.topK);
    assert.deepEqual([...new Set(stretches.map(({ expert }) => expert))].sort(), [0, 1, 2, 3]);
    for (const { expert, from, to } of stretches)
      assert.ok(to - from > shape.size / 12, `expert ${expert}: ${to - from} of ${shape.size} places`);
    assert.equal(stretchesInWords(stretches, shape.size).length, 4);
    const loss = frame.heldOut.at(-1)?.loss ?? 1;
    assert.ok(loss < 0.02, `held-out loss ${loss}`);
    assert.equal(frame.measures.at(-1)?.layers.length, 1);
    // The map has the same in every row.
    const { size, topK } = shape;
    assert.deepEqual(
      [...views.places[0].weights.subarray(-size * topK)],
      [...line.places[0].weights.subarray(0, size * topK)],
    );
    assert.equal(views.probabilities.length + views.predicted.length, 0);
    const [{ name, width, fills }] = mapThumbnails(shape, buffer);
    assert.deepEqual([name, width, new Set(fills).size], ['Curve', 64, 5], 'paper and four experts');
    trainer.dispose();
  });

  it('has what each expert gives alone: its own output where all weight is on it', async () => {
    for (const router of ['smoe', 'hyperrouter']) {
      const { trainer, shape, line } = await learned(
        { ...pieces, router, gate: 'topk-softmax', topK: 2 },
        30,
      );
      const model = /** @type {import('hyperrouter-wasm').Regressor} */ (trainer.model);
      // The engine's own choice of one expert gives the same numbers.
      model.topK = 1;
      const first = model.predict(Float32Array.from(line.output, (_, i) => xAt(i, shape.size) / 2));
      first.forEach((value, place) => {
        assert.equal(line.alone[line.places[0].experts[2 * place] * shape.size + place], value);
      });
      trainer.dispose();
    }
  });

  it('is learned with every gate and router, and with several layers, where no expert gives anything alone', async () => {
    const options = (/** @type {string} */ key) =>
      engine.configFields('regressor').find(({ name }) => name === key)?.options ?? assert.fail(key);
    for (const { name: gate } of options('gate')) {
      const { trainer, line } = await learned({ ...pieces, gate, capacityFactor: 1 }, 2);
      assert.ok(line.output.every(Number.isFinite), gate);
      trainer.dispose();
    }
    for (const { name: router } of options('router')) {
      const { trainer, line, shape } = await learned({ data: 'curve', router, layers: 2 }, 2);
      assert.ok(line.output.every(Number.isFinite), router);
      assert.equal(line.alone.length, 0);
      assert.equal(
        mapThumbnails(shape, trainer.frame(null, true).buffer ?? new ArrayBuffer())[0].name,
        'Curve',
      );
      trainer.dispose();
    }
  });

  it('has points within the map, or those that were drawn, also none', async () => {
    const usual = { data: 'curve', points: 120, noise: 0.2, dataSeed: 3, batch: 64 };
    for (const curve of Object.keys(curves)) {
      const { all, train, heldOut, classes } = dataFor({ ...usual, curve });
      assert.ok(
        all.inputs.every((value) => Math.abs(value) < reach),
        curve,
      );
      assert.deepEqual([train.targets.length, heldOut.targets.length, classes], [90, 30, 1]);
    }
    const drawn = encodePainted([{ x: 1, y: 2, id: 0 }]);
    assert.equal(dataFor({ ...usual, curve: 'drawn', drawn }).all.targets.length, 1);
    const { trainer, line } = await learned({ data: 'curve', curve: 'drawn' }, 0);
    assert.equal(line.output.length, 192);
    await assert.rejects(trainer.advance(), /there are no training points/);
    trainer.dispose();
  });

  it('opens regressors of one number alone, and says what else a file holds', () => {
    const save = (
      /** @type {import('hyperrouter-wasm').Classifier | import('hyperrouter-wasm').Regressor} */ model,
    ) => {
      const bytes = model.saveCheckpoint();
      model.dispose();
      return bytes;
    };
    const small = { dModel: 8, dInner: 8, experts: 2, layers: 1 };
    const good = save(engine.createRegressor({ ...small, inputSize: 1, outputs: 1 }));
    openCurveModel(engine, good).dispose();
    assert.throws(
      () => openPlaneModel(engine, good),
      /holds a regressor; for these data it must be a classifier/,
    );
    const wide = save(engine.createRegressor({ ...small, inputSize: 3, outputs: 2 }));
    assert.throws(() => openCurveModel(engine, wide), /inputSize 3 and outputs 2; a curve needs 1 and 1/);
    const other = save(engine.createClassifier({ ...small, inputSize: 2, classes: 2 }));
    assert.throws(
      () => openCurveModel(engine, other),
      /holds a classifier; for a curve it must be a regressor/,
    );
  });
});

describe('links to the room that the curve had', () => {
  /** @param {string} address */
  function valuesAt(address) {
    const state = stateOf(engine, 'plane', {});
    assert.deepEqual(state.readAddress(settingsAt(fromCurveRoom(address))), []);
    return state.values.peek();
  }

  it('lead to the same curve and model in the Playground', () => {
    const plain = valuesAt('room=curve');
    const { data, curve, router, gate, experts, topK, layers, seed } = plain;
    assert.deepEqual(
      { data, curve, router, gate, experts, topK, layers, seed },
      {
        ...{ data: 'curve', curve: 'sine', router: 'smoe', gate: 'softmax-topk' },
        experts: 4,
        topK: 1,
        layers: 1,
        seed: 1,
      },
    );
    const drawn = encodePainted([{ x: 1, y: 2, id: 0 }]);
    const own = valuesAt(`room=curve&data=painted&painted=${drawn}&experts=6&topK=2&seed=7`);
    assert.deepEqual(
      [own.curve, own.drawn, own.painted, own.gate, own.experts, own.topK, own.seed],
      ['drawn', drawn, '', 'topk-softmax', 6, 2, 7],
    );
  });

  it('change no other address', () => {
    for (const address of ['', 'room=plane', 'data=curve&curve=steps', 'data=moons&painted=AAA'])
      assert.equal(fromCurveRoom(address), address);
  });
});

/** @param {number} place @param {number} size */
const xAt = (place, size) => ((2 * place + 1) / size - 1) * reach;
