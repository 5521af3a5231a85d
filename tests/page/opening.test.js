/** The run that the page opens with: recorded moments first, then the same run, trained. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { load } from 'hyperrouter-wasm';
import { engineConfig } from '../../demo/config.js';
import { createOpening } from '../../demo/opening/opening.js';
import { recordOpening } from '../../demo/opening/record.js';
import { classesSize, momentBy, pack, territorySize, unpack } from '../../demo/opening/recording.js';
import {
  addressOf,
  isOpening,
  openingEnd,
  openingPace,
  openingSteps,
  settingsAt,
} from '../../demo/opening/settings.js';
import { dataFor } from '../../demo/plane/data.js';
import { capacity } from '../../demo/plane/frame.js';
import { gridPlaces } from '../../demo/plane/geometry.js';
import { planeSettings } from '../../demo/plane/settings.js';
import { createSchema } from '../../demo/schema.js';
import { createState } from '../../demo/state.js';
import { PlaneTrainer } from '../../demo/trainer/plane-trainer.js';

describe('the address of the opening run', () => {
  it('is the one without settings; the defaults have their own', () => {
    assert.ok(isOpening('') && isOpening('#') && isOpening('#room=plane') && isOpening('#at=200'));
    for (const address of ['#play=0', '#router=smoe', '#room=text']) assert.ok(!isOpening(address), address);
    assert.equal(addressOf(''), 'play=0');
    assert.equal(settingsAt('#play=0'), '#play=0');
    assert.equal(addressOf(settingsAt('')), '');
    assert.equal(addressOf('seed=3&loadBalanceWeight=0.05&layers=1&gate=softmax-topk&router=smoe'), '');
    assert.equal(addressOf('router=smoe'), 'router=smoe');
  });
});

describe('the time of the opening run', () => {
  it('passes at the pace of training, and stays where training takes over', () => {
    let now = 5000;
    const opening = createOpening({ calm: false, now: () => now });
    now += 730;
    opening.onFrame();
    assert.equal(opening.step.value, 0.73 * openingPace);
    assert.equal(opening.take(), 73);
    now += 1000;
    opening.onFrame();
    assert.equal(opening.step.value, 73);
    assert.equal(opening.take(), undefined, 'only one run goes on with it');
  });

  it('is at its end at once where motion is not wanted, and never beyond it', () => {
    assert.equal(createOpening({ calm: true, now: () => 0 }).take(), openingEnd);
    let now = 0;
    const opening = createOpening({ calm: false, now: () => now });
    now = 1e6;
    assert.equal(opening.take(), openingEnd);
  });
});

describe('the recording', () => {
  /** @type {import('../../demo/opening/recording.js').Recording} */
  let recording;
  /** @type {import('hyperrouter-wasm').Engine} */
  let engine;
  before(async () => {
    engine = await load({ variant: 'simd' });
    recording = await recordOpening();
  });
  after(() => engine.dispose());

  it('is small, also from a host that does not compress', () => {
    const text = JSON.stringify(recording);
    assert.ok(text.length < 35_000 && gzipSync(text).length < 16_000, `${text.length}`);
    for (const { territories, classes } of recording.moments) {
      assert.equal(unpack(territories).length, recording.experts * territorySize ** 2);
      assert.equal(unpack(classes).length, classesSize ** 2);
    }
  });

  it('packs shares in steps of 1/25', () => {
    assert.equal(pack([0, 0, 0, 1, 0.52, 0.51, 0]), 'a3zn2a');
    assert.deepEqual([...unpack('a3zna')], [...Float32Array.of(0, 0, 0, 1, 0.52, 0)]);
  });

  it('has what the engine computes for these settings', async () => {
    const state = createState(createSchema(planeSettings, engine.configFields('classifier')));
    assert.deepEqual(state.readAddress(settingsAt('')), []);
    assert.equal(addressOf(state.address.peek()), '', 'they are not the defaults');
    const data = dataFor(state.values.peek());
    const model = engine.createClassifier(
      /** @type {any} */ ({ inputSize: 2, classes: 2, batchSize: capacity, ...engineConfig(state) }),
    );
    const trainer = new PlaneTrainer(engine, model, data, Number(state.peek('learningRate')));
    for (const step of openingSteps.filter((at) => at <= 200)) {
      while (trainer.step < step) await trainer.advance();
      const moment = momentBy(recording.moments, step);
      assert.equal(moment.step, step);
      const right = [...model.predict(data.heldOut.inputs)].filter(
        (p, i) => i % 2 === data.heldOut.targets[i >> 1] && p > 0.5,
      ).length;
      assert.equal(moment.accuracy, Number((right / data.heldOut.targets.length).toFixed(3)));
    }
    // One place of the recording, in the middle of its share of the map of a paused run.
    const size = 192;
    const along = (/** @type {number} */ i) => Math.floor(((i + 0.5) * size) / territorySize);
    const [row, column] = [6, 11];
    const at = along(row) * size + along(column);
    model.predict(gridPlaces(size).slice(2 * at, 2 * at + 2));
    const [{ experts, weights }] = model.routing();
    const recorded = unpack(momentBy(recording.moments, 200).territories);
    for (let expert = 0; expert < recording.experts; expert++) {
      const share = recorded[expert * territorySize ** 2 + row * territorySize + column];
      const chosen = [...experts].indexOf(expert);
      assert.ok(Math.abs(share - (chosen < 0 ? 0 : weights[chosen])) <= 0.021, `expert ${expert}: ${share}`);
    }
    trainer.dispose();
  });

  it('shows what experts are for within two seconds: territories, no idle expert, a solved task', () => {
    const { accuracy, territories } = momentBy(recording.moments, 2 * openingPace);
    assert.ok(accuracy > 0.97, `${accuracy}`);
    const weights = unpack(territories);
    const places = territorySize ** 2;
    const owned = new Array(recording.experts).fill(0);
    for (let place = 0; place < places; place++) {
      const here = owned.map((_, expert) => weights[expert * places + place]);
      owned[here.indexOf(Math.max(...here))]++;
    }
    assert.ok(owned.filter((count) => count > 0.04 * places).length >= 5, String(owned));
  });
});
