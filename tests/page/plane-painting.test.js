import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { load } from 'hyperrouter-wasm';
import { createPoints, dataFor, minPoints } from '../../demo/plane/data.js';
import { reach } from '../../demo/plane/geometry.js';
import { decodePainted, encodePainted, maxPainted, snapped } from '../../demo/plane/painted.js';
import { createPainter } from '../../demo/plane/painter.js';
import { planePresets } from '../../demo/plane/presets.js';
import { planeSettings } from '../../demo/plane/settings.js';
import { applyPreset, presetOf } from '../../demo/presets.js';
import { createSchema } from '../../demo/schema.js';
import { createState } from '../../demo/state.js';

/** @type {import('hyperrouter-wasm').Engine} */
let engine;
before(async () => {
  engine = await load({ variant: 'simd' });
});
after(() => engine.dispose());

const usual = Object.fromEntries(planeSettings.map(({ key, default: value }) => [key, value]));

describe('painted points', () => {
  const points = Array.from({ length: 50 }, (_, i) =>
    snapped({ x: ((i * 37) % 120) / 10 - 6, y: ((i * 53) % 120) / 10 - 6, id: i % 4 }),
  );

  it('are decoded as they were encoded, in three characters each', () => {
    const code = encodePainted(points);
    assert.match(code, /^[A-Za-z0-9_-]*$/);
    assert.equal(code.length, 150);
    assert.deepEqual(decodePainted(code, 4), { points, wrong: 0 });
    const edges = [
      { x: -99, y: 99, id: 0 },
      { x: reach, y: -reach, id: 3 },
    ];
    const kept = decodePainted(encodePainted(edges), 4).points;
    assert.ok(kept.every(({ x, y }) => Math.abs(x) < reach && Math.abs(y) < reach));
  });

  it('are skipped and counted if invalid', () => {
    const some = encodePainted(points.slice(0, 2));
    assert.deepEqual(decodePainted(`${some}A B${'AA'}`, 4), { points: points.slice(0, 2), wrong: 2 });
    assert.equal(decodePainted(encodePainted(points), 2).points.length, 26);
    assert.equal(decodePainted('AAA'.repeat(maxPainted + 5), 2).wrong, 5);
    assert.deepEqual(decodePainted('', 2), { points: [], wrong: 0 });
  });

  it('stay in their set when more are painted', () => {
    const of = (/** @type {number} */ count) =>
      dataFor({ ...usual, data: 'painted', classes: 4, painted: encodePainted(points.slice(0, count)) });
    const [before, now] = [of(20), of(21)];
    assert.equal(before.heldOut.targets.length, 5);
    assert.deepEqual(now.heldOut, before.heldOut);
    assert.deepEqual([...now.train.inputs.subarray(0, 30)], [...before.train.inputs]);
    assert.equal(of(0).all.targets.length, 0);
    assert.ok(of(minPoints).heldOut.targets.length > 0);
  });
});

describe('painting', () => {
  const create = () => {
    const state = createState(createSchema(planeSettings, engine.configFields('classifier')));
    const painter = createPainter({ state });
    return { state, painter, points: () => decodePainted(String(state.get('painted')), 4).points };
  };

  it('draws a stroke while it is made, and undoes it in one step', () => {
    const { state, painter, points } = create();
    painter.begin({ x: 0, y: 0 });
    for (let x = 0; x <= 4; x += 0.1) painter.extend({ x, y: 0 });
    assert.equal(state.get('painted'), '', 'nothing learns of half a stroke');
    const drawn = painter.draft.value?.length ?? 0;
    assert.ok(drawn >= 8 && drawn <= 11, `${drawn} points on 4 units`);
    painter.end();
    assert.equal(points().length, drawn);
    painter.tool.value = 1;
    painter.begin({ x: 0, y: 3 });
    painter.end();
    assert.equal(points().length, drawn + 1);
    assert.equal(points().at(-1)?.id, 1);
    assert.equal(state.undo()?.key, 'painted');
    assert.equal(points().length, drawn, 'the second stroke alone, though it came at once');
    state.undo();
    assert.equal(points().length, 0);
    state.redo();
    assert.equal(points().length, drawn);
  });

  it('erases and paints by key, and can be cancelled', () => {
    const { state, painter, points } = create();
    assert.match(painter.press({ x: 1, y: 1 }), /Total: 1\.$/);
    assert.match(painter.press({ x: -1, y: 1 }), /Total: 2\.$/);
    assert.match(painter.remove({ x: 4, y: 4 }), /No point here/);
    assert.match(painter.remove({ x: 1.2, y: 1 }), /Total: 1\.$/);
    painter.tool.value = -1;
    painter.begin({ x: 5, y: 5 });
    painter.extend({ x: -1, y: 1 });
    assert.deepEqual(painter.draft.value, []);
    painter.cancel();
    assert.equal(points().length, 1);
    painter.begin({ x: -1, y: 1 });
    painter.end();
    assert.equal(points().length, 0);
    const changes = state.undoable.value.length;
    painter.begin({ x: 0, y: 0 });
    painter.end();
    assert.equal(state.undoable.value.length, changes, 'what changed nothing is no change');
  });

  it('has a limit, and says so for as long as it is reached', () => {
    const { state, painter, points } = create();
    state.set('painted', 'AAA'.repeat(maxPainted - 1));
    assert.equal(painter.full.value, false);
    painter.begin({ x: 0, y: 0 });
    assert.equal(painter.full.value, true, 'in the middle of a stroke, too');
    painter.extend({ x: 3, y: 0 });
    painter.end();
    assert.equal(points().length, maxPainted);
    assert.match(painter.press({ x: 0, y: 0 }), /Limit reached: 300 points\. Erase some to continue/);
    painter.remove({ x: 0, y: 0 });
    assert.equal(painter.full.value, false);
    assert.match(painter.press({ x: 0, y: 0 }), /Point added/);
    painter.clear();
    assert.equal(painter.full.value, false);
  });

  it('starts from other points, in one change', () => {
    const { state, painter, points } = create();
    painter.startFrom(createPoints({ data: 'moons', classes: 2, count: 1000, noise: 0, seed: 1 }));
    assert.equal(state.get('data'), 'painted');
    assert.ok(points().length > 100 && points().length <= maxPainted - 100, 'there is room for strokes');
    const first = points().filter(({ id }) => id === 0).length;
    assert.ok(Math.abs(2 * first - points().length) < 4, 'of every class as many as before');
    const before = points().length;
    painter.begin({ x: 0, y: 0 });
    painter.extend({ x: 2, y: 0 });
    painter.end();
    assert.equal(points().length, before + 2);
    state.undo();
    state.undo();
    assert.equal(state.get('data'), 'spirals');
    assert.equal(state.get('painted'), '');
  });

  it('keeps painted points when a preset is chosen', () => {
    const { state, painter } = create();
    assert.ok(presetOf(state, planePresets) >= 0, 'the defaults are worth a look');
    painter.startFrom(createPoints({ data: 'moons', classes: 2, count: 40, noise: 0, seed: 1 }));
    const code = state.get('painted');
    assert.equal(presetOf(state, planePresets), -1);
    planePresets.list.forEach((_, i) => {
      applyPreset(state, planePresets, i);
      assert.equal(presetOf(state, planePresets), i);
    });
    assert.equal(state.get('painted'), code);
  });
});
