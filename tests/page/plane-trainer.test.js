import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DivergedError, load } from 'hyperrouter-wasm';
import { dataFor } from '../../demo/plane/data.js';
import { routingAt } from '../../demo/plane/fields.js';
import { capacity, mapViews } from '../../demo/plane/frame.js';
import { cellAt, gridPlaces } from '../../demo/plane/geometry.js';
import { planeSettings } from '../../demo/plane/settings.js';
import { isDropped, isWithoutExpert, outcomeOf } from '../../demo/routing.js';
import { openPlaneModel, PlaneTrainer } from '../../demo/trainer/plane-trainer.js';

/** @type {import('hyperrouter-wasm').Engine} */
let engine;
before(async () => {
  engine = await load({ variant: 'simd' });
});
after(() => engine.dispose());

const usual = Object.fromEntries(planeSettings.map(({ key, default: value }) => [key, value]));

/**
 * One place alone is computed in another order than among many.
 *
 * @param {Float32Array} actual
 * @param {Float32Array} expected
 */
function close(actual, expected) {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) < 1e-5, `${value} is not ${expected[i]}`);
  });
}

describe('the trainer of the plane', () => {
  /** @param {import('../../demo/schema.js').Values} [over] */
  function create(over = {}) {
    /** @type {import('../../demo/schema.js').Values} */
    const values = { ...usual, points: 120, hyperSize: 64, batch: 32, ...over };
    const data = dataFor(values);
    const model = engine.createClassifier({
      inputSize: 2,
      classes: data.classes,
      layers: 2,
      dModel: 16,
      dInner: 16,
      experts: 5,
      topK: 2,
      router: /** @type {any} */ (over.router ?? 'hyperrouter'),
      hyperSize: 64,
      batchSize: capacity,
      seed: 1,
      ...(over.gate ? { gate: /** @type {any} */ (over.gate) } : {}),
      ...(over.capacityFactor ? { capacityFactor: Number(over.capacityFactor) } : {}),
      ...(over.balanceRate ? { balanceRate: Number(over.balanceRate) } : {}),
    });
    return new PlaneTrainer(engine, model, data, 0.01);
  }

  /** @param {PlaneTrainer} trainer @param {number} steps @param {boolean} [look] */
  async function losses(trainer, steps, look = false) {
    const all = [];
    for (let i = 0; i < steps; i++) {
      await trainer.advance();
      if (look && i % 7 === 0) all.push(...trainer.frame(null, i % 2 === 0).losses);
    }
    all.push(...trainer.frame(null, false).losses);
    return all;
  }

  it('goes on after a single batch with a huge loss, and stops where such losses stay', async () => {
    const trainer = create();
    const learn = trainer.learn.bind(trainer);
    const huge = 3.1 * Math.log(2);
    let bad = false;
    trainer.learn = (options) => ({ ...learn(options), ...(bad && { loss: huge }) });
    for (let step = 0; step < 60; step++) {
      bad = step % 20 !== 0;
      await trainer.advance();
    }
    bad = true;
    const before = trainer.step;
    const run = async () => {
      for (;;) await trainer.advance();
    };
    await assert.rejects(
      run(),
      (error) => error instanceof DivergedError && /uniform predictions have 1\.0/.test(error.message),
    );
    assert.equal(trainer.step - before, 1, 'nineteen came before');
  });

  it('has bitwise the same losses in every run, with or without drawing the map', async () => {
    const [one, other] = [create(), create()];
    const [quiet, watched] = [await losses(one, 60), await losses(other, 60, true)];
    assert.equal(quiet.length, 60);
    assert.deepEqual(watched, quiet);
    assert.ok(quiet.slice(-5).every((loss) => loss < quiet[0]));
    one.dispose();
    other.dispose();
  });

  it('shows the map of the model, and the routing of the held-out points', async () => {
    const trainer = create();
    await losses(trainer, 30);
    const { shape, buffer } = trainer.frame(null, true);
    const map = /** @type {import('../../demo/plane/frame.js').MapShape} */ (shape);
    assert.ok(buffer);
    const views = mapViews(buffer, map);
    assert.equal(map.size, 192);
    assert.equal(/** @type {any} */ (trainer.frame(null, false)).shape, null, 'nothing has changed');
    for (const place of [
      { x: -3.3, y: 2.1 },
      { x: 5.9, y: -5.9 },
    ]) {
      const cell = cellAt(place, map.size);
      const inputs = gridPlaces(map.size).slice(2 * cell, 2 * cell + 2);
      close(views.probabilities.subarray(2 * cell, 2 * cell + 2), trainer.model.predict(inputs));
      const routing = trainer.model.routing();
      routing.forEach((layer, i) => {
        close(views.places[i].logits.subarray(5 * cell, 5 * cell + 5), layer.logits);
        const own = routingAt(views.places[i], map, cell);
        assert.deepEqual([...own.experts], [...layer.experts]);
        own.weights.forEach((weight, k) => {
          assert.ok(Math.abs(weight - layer.weights[k]) < 1e-6);
        });
      });
    }
    const { heldOut, train } = trainer.data;
    const probabilities = trainer.model.predict(heldOut.inputs);
    trainer.model.routing().forEach((layer, i) => {
      assert.deepEqual(views.layers[i].experts, layer.experts);
    });
    heldOut.targets.forEach((_, i) => {
      const predicted = Number(probabilities[2 * i + 1] > probabilities[2 * i]);
      assert.equal(views.predicted[train.targets.length + i], predicted);
    });
    trainer.dispose();
  });

  for (const over of /** @type {import('../../demo/schema.js').Values[]} */ ([
    { gate: 'expert-choice' },
    { capacityFactor: 0.5 },
  ])) {
    it(`shows places as points that are alone, and points among each other, with ${JSON.stringify(over)}`, async () => {
      const trainer = create(over);
      const undrawn = create(over);
      assert.deepEqual(await losses(trainer, 40, true), await losses(undrawn, 40), 'the map changes no loss');
      const { shape, buffer } = trainer.frame(null, true);
      const map = /** @type {import('../../demo/plane/frame.js').MapShape} */ (shape);
      assert.ok(buffer);
      const views = mapViews(buffer, map);
      const places = gridPlaces(map.size);
      for (const cell of [0, 100, 20000, map.size ** 2 - 1]) {
        const alone = trainer.model.predict(places.slice(2 * cell, 2 * cell + 2));
        close(views.probabilities.subarray(2 * cell, 2 * cell + 2), alone);
        trainer.model.routing().forEach((layer, i) => {
          const own = routingAt(views.places[i], map, cell);
          assert.deepEqual([...own.experts].slice(0, 2), [...layer.experts]);
          assert.ok(own.experts.slice(2).every((expert) => expert < 0));
          close(own.weights.slice(0, 2), layer.weights);
        });
      }
      const { train, heldOut } = trainer.data;
      let missing = 0;
      for (const [first, { inputs, targets }] of /** @type {const} */ ([
        [0, train],
        [train.targets.length, heldOut],
      ])) {
        trainer.model.predict(inputs);
        trainer.model.routing().forEach(({ experts, weights, dropped }, i) => {
          const width = experts.length / targets.length;
          let lost = 0;
          targets.forEach((_, row) => {
            const own = routingAt(views.points[i], map, first + row);
            const kept = [...weights.slice(row * width, (row + 1) * width)].filter((weight) => weight > 0);
            assert.equal(own.weights.filter((weight) => weight > 0).length, kept.length);
            assert.equal(isWithoutExpert(outcomeOf(own, 0, map.topK)), kept.length === 0);
            missing += Number(kept.length === 0);
            lost += own.experts.filter((_, k) => isDropped(own, k)).length;
          });
          assert.equal(
            lost,
            dropped.reduce((sum, count) => sum + count, 0),
          );
        });
      }
      assert.ok(missing > 0, 'some points have no expert');
      trainer.dispose();
      undrawn.dispose();
    });
  }

  it('tells the bias that balances, where there is one', async () => {
    const trainer = create({ balanceRate: 0.01 });
    await losses(trainer, 3);
    const { biases } = /** @type {any} */ (trainer.frame(null, true).shape);
    assert.deepEqual(
      biases,
      trainer.model
        .parameters()
        .filter(({ name }) => name.endsWith('e_score_correction_bias'))
        .map(({ data }) => [...data]),
    );
    assert.deepEqual([biases.length, biases[0].length], [2, 5]);
    assert.ok(biases[0].some((/** @type {number} */ value) => value !== 0));
    const plain = create();
    assert.equal(/** @type {any} */ (plain.frame(null, true).shape).biases, undefined);
    trainer.dispose();
    plain.dispose();
  });

  it('sends fewer pictures where they are slow, and never fewer losses', async () => {
    const trainer = create();
    const { picture } = trainer;
    let drawn = 0;
    trainer.picture = (recycle, exact) => {
      drawn++;
      const end = performance.now() + 20;
      while (performance.now() < end);
      return picture.call(trainer, recycle, exact);
    };
    let learned = 0;
    for (let i = 0; i < 5; i++) {
      await trainer.advance();
      learned += trainer.frame(null, false).losses.length;
    }
    assert.equal(learned, 5);
    assert.ok(drawn < 5, `${drawn} pictures`);
    assert.notEqual(trainer.frame(null, true).shape, null, 'one that is asked for is sent');
    trainer.dispose();
  });

  it('records moments of bounded size, and measures by class', async () => {
    const trainer = create();
    const { moments } = trainer.frame(null, true);
    assert.equal(/** @type {any} */ (moments[0].shape).size, 48);
    assert.deepEqual(
      moments[0].routers.map((learned) =>
        Object.entries(learned).map(([name, { length }]) => [name, length]),
      ),
      [[['gate.embedding', 16]], [['gate.embedding', 16]]],
    );
    await losses(trainer, 5);
    await trainer.advance();
    const { measures, heldOut } = trainer.frame(null, true);
    assert.equal(heldOut.length, 0, 'the looks came with the frames before');
    assert.equal(measures.length, 0);
    const later = create();
    for (let i = 0; i < 50; i++) await later.advance();
    const frame = later.frame(null, false);
    assert.deepEqual(
      frame.heldOut.map(({ step }) => step),
      [0, 5, 10, 20, 35, 50],
    );
    assert.ok(frame.measures.every(({ layers }) => layers.length === 2 && layers[0].specialisation !== null));
    trainer.dispose();
    later.dispose();
  });

  it('shows a dense model without routing, and a model without points', async () => {
    const dense = create({ router: 'dense' });
    await losses(dense, 3);
    assert.equal(/** @type {any} */ (dense.frame(null, true).shape).layers, 0);
    dense.dispose();
    const empty = create({ data: 'painted', painted: '' });
    const { shape } = empty.frame(null, true);
    assert.equal(/** @type {any} */ (shape).points, 0);
    await assert.rejects(empty.advance(), /no training points/);
    empty.dispose();
  });

  it('opens what it saved, and rejects other models', async () => {
    const trainer = create();
    await losses(trainer, 5);
    const bytes = trainer.save({ optimizer: true });
    const model = openPlaneModel(engine, bytes);
    assert.equal(model.step, 5);
    assert.equal(model.config.batchSize, capacity);
    assert.throws(
      () => new PlaneTrainer(engine, model, dataFor({ ...usual, classes: 3 }), 0.01),
      /the model has 2 classes, the data 3/,
    );
    const resumed = new PlaneTrainer(engine, model, trainer.data, 0.01);
    trainer.frame(null, true);
    assert.deepEqual(await losses(resumed, 5), await losses(trainer, 5));
    trainer.dispose();
    resumed.dispose();
    const wide = engine.createClassifier({ inputSize: 3, classes: 2, batchSize: 4 });
    assert.throws(() => openPlaneModel(engine, wide.saveCheckpoint()), /inputSize 3; .* need 2/);
    const language = engine.createLanguageModel({ vocabSize: 16, layers: 1, batchSize: 1 });
    assert.throws(() => openPlaneModel(engine, language.saveCheckpoint()), /holds a language model/);
    wide.dispose();
    language.dispose();
  });
});
