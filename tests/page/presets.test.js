/** The examples show what their words say: trained as the page trains them, without a browser. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { load } from 'hyperrouter-wasm';
import { planePresets } from '../../demo/plane/presets.js';
import { textPresets } from '../../demo/text/presets.js';
import { trained } from './node-runs.js';

/** @typedef {import('hyperrouter-wasm').LayerMeasures} LayerMeasures */

/** @type {import('hyperrouter-wasm').Engine} */
let engine;
before(async () => {
  engine = await load({ variant: 'simd' });
});
after(() => engine.dispose());

/**
 * @param {string} name of an example
 * @param {number} steps
 * @param {import('../../demo/schema.js').Values} [change] of its settings
 */
async function example(name, steps, change = {}) {
  const [room, { list }] = change.room === 'text' ? ['text', textPresets] : ['plane', planePresets];
  const preset = list.find((one) => one.name === name);
  assert.ok(preset, name);
  const { room: _, ...rest } = change;
  const { trainer, frame } = await trained(engine, room, { ...preset.values, ...rest }, steps);
  trainer.dispose();
  return {
    hint: preset.hint,
    /** @param {number} step @returns {LayerMeasures[]} */
    at: (step) => frame.measures.find((entry) => entry.step === step)?.layers ?? assert.fail(`step ${step}`),
    /** The first layer at all measurements from a step on. @param {number} step @returns {LayerMeasures[]} */
    from: (step) =>
      frame.measures
        .filter((entry) => entry.step >= step)
        .map(({ layers }) => /** @type {LayerMeasures} */ (layers[0])),
    /** @param {number} step @returns {number} nats */
    heldOutAt: (step) =>
      frame.heldOut.find((entry) => entry.step === step)?.loss ?? assert.fail(`step ${step}`),
  };
}

/** @param {LayerMeasures} layer */
const idleIn = ({ load: shares }) => shares.filter((share) => share === 0).length;
/** @param {LayerMeasures} layer */
const leastIn = ({ load: shares }) => Math.min(...shares);

describe('the examples of the playground', () => {
  it('show idle experts', async () => {
    const { hint, from } = await example('Idle experts', 1000);
    assert.match(hint, /three or four get no points/);
    assert.ok(from(600).length > 5);
    for (const layer of from(400)) assert.ok(idleIn(layer) >= 3 && idleIn(layer) <= 4, String(layer.load));
  });

  it('balance them by a loss', async () => {
    const { hint, from } = await example('Idle experts, with a loss', 1000);
    assert.match(hint, /in the end every expert has a territory/);
    for (const layer of from(400)) assert.ok(leastIn(layer) > 0, String(layer.load));
  });

  it('balance them by a bias', async () => {
    const { hint, from } = await example('Idle experts, with a bias', 1000);
    assert.match(hint, /All get points/);
    for (const layer of from(400)) assert.ok(leastIn(layer) > 0.02, String(layer.load));
  });

  it('limit them by capacity', async () => {
    const { hint, from } = await example('Idle experts, with capacity', 1000);
    assert.match(hint, /Idle experts stay idle/);
    for (const layer of from(600)) {
      assert.ok(idleIn(layer) >= 2, String(layer.load));
      assert.ok(layer.droppedShare > 0.05 && layer.expertsPerToken < 2);
    }
  });

  it('show that Switch teaches the router with one expert, and the usual gate does not', async () => {
    const usual = await example('One expert per point', 200);
    const other = await example('One expert, Switch gate', 200);
    assert.match(usual.hint, /the router learns nothing/);
    assert.match(other.hint, /the router learns too\. Here the spirals are learned sooner/);
    assert.ok(
      other.heldOutAt(200) < 0.7 * usual.heldOutAt(200),
      `${other.heldOutAt(200)} ${usual.heldOutAt(200)}`,
    );
  });

  it('show that expert choice is even by construction', async () => {
    const { hint, from, at } = await example('Expert choice', 100);
    assert.match(hint, /even by construction/);
    for (const layer of from(0)) assert.ok(layer.loadVariation < 1e-6);
    assert.ok(at(50)[0].withoutExpert > 0.05);
  });

  it('show that ReLU routing comes down to k experts', async () => {
    const { hint, from, at } = await example('ReLU routing', 1000);
    assert.match(hint, /about half of the eight experts.*down to about k = 1/);
    assert.ok(at(0)[0].expertsPerToken > 3.5 && at(0)[0].expertsPerToken < 4.5);
    for (const { expertsPerToken } of from(100)) assert.ok(expertsPerToken > 0.6 && expertsPerToken < 1.5);
  });

  it('show what they said before there were gates', async () => {
    const hyper = await example('Spirals, HyperRouter', 300);
    const smoe = await example('Spirals, standard top-k', 300);
    assert.match(smoe.hint, /confident much earlier/);
    assert.ok(hyper.at(300)[0].entropy > 0.95 && smoe.at(300)[0].entropy < 0.75);
    const clusters = await example('Clusters, one pair of experts each', 600);
    for (const layer of clusters.from(300)) assert.ok(leastIn(layer) > 0.1);
    assert.ok(clusters.at(600)[0].specialisation !== null);
  });
});

it('the example of the text room balances the load by a bias', async () => {
  // Less text a step than the page opens with, which takes long.
  const less = { room: 'text', batchSize: 2 };
  const uneven = await example('Standard top-k', 200, less);
  const even = await example('Balanced by a bias', 200, less);
  for (const [i, layer] of even.at(200).entries()) {
    assert.ok(layer.loadVariation < 0.35, String(layer.load));
    assert.ok(uneven.at(200)[i].loadVariation > 0.8, String(uneven.at(200)[i].load));
  }
});

it('the example of the text room has the same load for all experts where these choose', async () => {
  const { from } = await example('Expert choice', 10, { room: 'text', batchSize: 2 });
  for (const layer of from(0)) assert.ok(layer.loadVariation < 0.02);
});
