import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { load } from 'hyperrouter-wasm';
import { curves, pointsOf } from '../../demo/curve/data.js';
import { curveViews, places } from '../../demo/curve/frame.js';
import { planOf } from '../../demo/curve/run.js';
import { curveSettings } from '../../demo/curve/settings.js';
import { stretchesInWords, stretchesOf } from '../../demo/curve/stretches.js';
import { encodePainted } from '../../demo/plane/painted.js';
import { painted } from '../../demo/plane/settings.js';
import { CurveTrainer } from '../../demo/trainer/curve-trainer.js';

/** @type {import('hyperrouter-wasm').Engine} */
let engine;
before(async () => {
  engine = await load({ variant: 'simd' });
});
after(() => engine.dispose());

const usual = Object.fromEntries(curveSettings.map(({ key, default: value }) => [key, value]));

/** @param {import('../../demo/schema.js').Values} values */
function createTrainer(values) {
  const { config, body, learningRate } = planOf(values);
  const data = /** @type {import('../../demo/trainer/trainer-protocol.js').CurveData} */ (body);
  return new CurveTrainer(engine, engine.createRegressor(/** @type {any} */ (config)), data, learningRate);
}

/** @param {CurveTrainer} trainer */
function look(trainer) {
  const { shape, buffer } = trainer.picture(null);
  const views = curveViews(buffer, shape);
  return { ...views, stretches: stretchesOf(views.routing.experts, shape.topK) };
}

describe('a curve', () => {
  it('is learned with the defaults, by four experts with a piece each', async () => {
    const trainer = createTrainer(usual);
    for (let i = 0; i < 600; i++) await trainer.advance();
    const { stretches, output } = look(trainer);
    const { loss } = trainer.model.evaluate(trainer.data);
    assert.ok(loss < 0.02, `loss ${loss}`);
    assert.deepEqual(stretches.map(({ expert }) => expert).sort(), [0, 1, 2, 3]);
    for (const { expert, from, to } of stretches)
      assert.ok(to - from > places.length / 12, `expert ${expert}: ${to - from} places`);
    assert.equal(stretchesInWords(stretches, places.length).length, 4);
    assert.deepEqual([...output], [...trainer.model.predict(places)]);
    trainer.dispose();
  });

  it('has what each expert gives alone: its own output where all weight is on it', async () => {
    const trainer = createTrainer({ ...usual, topK: 2 });
    for (let i = 0; i < 30; i++) await trainer.advance();
    const { alone, routing } = look(trainer);
    for (let place = 0; place < places.length; place += 20) {
      const sum = routing.weights[2 * place] + routing.weights[2 * place + 1];
      assert.ok(Math.abs(sum - 1) < 1e-6, `weights sum to ${sum}`);
    }
    // The engine's own choice of one expert gives the same numbers.
    trainer.model.topK = 1;
    const first = trainer.model.predict(places);
    for (let place = 0; place < places.length; place++)
      assert.equal(alone[routing.experts[2 * place] * places.length + place], first[place]);
    trainer.dispose();
  });

  it('has points within the figure, or those that were drawn, also none', async () => {
    for (const data of Object.keys(curves))
      for (const { x, y } of pointsOf({ ...usual, data }))
        assert.ok(Math.abs(x) < 6 && Math.abs(y) < 6, data);
    const own = encodePainted([{ x: 1, y: 2, id: 0 }]);
    assert.equal(pointsOf({ ...usual, data: painted, painted: own }).length, 1);
    const trainer = createTrainer({ ...usual, data: painted });
    assert.equal(look(trainer).output.length, places.length);
    await assert.rejects(trainer.advance(), /there are no points/);
    trainer.dispose();
  });
});
