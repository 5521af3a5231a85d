import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expertLoad } from 'hyperrouter-wasm';
import { refineOwners } from '../../demo/plane/borders.js';
import {
  noOwner,
  owners,
  ownershipShares,
  routingAt,
  tied,
  weightsByExpert,
} from '../../demo/plane/fields.js';
import { paintOwners, pixelOf } from '../../demo/plane/pixels.js';
import { droppedOf, isTied, outcomeOf, putRouting, widthOf } from '../../demo/routing.js';
import { frameBytes, frameViews, packRouting, unread } from '../../demo/text/frame.js';
import { lookOf } from '../../demo/text/paint.js';
import { classTable } from '../../demo/text/profile.js';
import { createSink } from '../../demo/text/written.js';
import { Sample } from '../../demo/trainer/sample.js';

/**
 * The routing of one layer, as a gate may give it: any number of experts per token, in any order.
 *
 * @param {[id: number, weight: number][][]} tokens
 * @param {number} experts E
 * @param {number[][]} [logits]
 */
function routingOf(tokens, experts, logits = []) {
  const width = Math.max(...tokens.map(({ length }) => length));
  const filled = tokens.map((chosen) => Array.from({ length: width }, (_, k) => chosen[k] ?? [-1, 0]));
  return {
    experts: Int32Array.from(filled.flat(), ([id]) => id),
    weights: Float32Array.from(filled.flat(), ([, weight]) => weight),
    logits: Float32Array.from({ length: tokens.length * experts }, (_, i) => {
      return logits[Math.floor(i / experts)]?.[i % experts] ?? 0;
    }),
  };
}

/** @param {number} tokens @param {number} topK @param {number} experts */
const room = (tokens, topK, experts) => ({
  experts: new Int32Array(tokens * topK).fill(9),
  weights: new Float32Array(tokens * topK).fill(9),
  logits: new Float32Array(tokens * experts),
});

describe('routing with any number of experts per token', () => {
  const few = routingOf([[[2, 0.25]], []], 3, [[1, 2, 3]]);
  const many = routingOf([[[0, 0.25], [1, 0.75], [2, 0.5]], [[1, 0.5]]], 3); // biome-ignore format: one token each

  it('is as wide as the widest of its calls', () => {
    assert.equal(widthOf([few], 3), 1);
    assert.equal(widthOf([few, many], 3), 3);
    assert.equal(widthOf([], 3), 0);
    assert.equal(widthOf([{ ...room(0, 0, 3) }], 3), 0, 'of no tokens');
  });

  it('is sorted by weight, and padded', () => {
    const all = room(4, 3, 3);
    putRouting([all], [few], { start: 0, experts: 3, topK: 3 });
    putRouting([all], [many], { start: 2, experts: 3, topK: 3 });
    assert.deepEqual([...all.experts], [2, -1, -1, -1, -1, -1, 1, 2, 0, 1, -1, -1]);
    assert.deepEqual([...all.weights], [0.25, 0, 0, 0, 0, 0, 0.75, 0.5, 0.25, 0.5, 0, 0]);
    assert.deepEqual([...all.logits.subarray(0, 3)], [1, 2, 3]);
    const even = room(1, 2, 3);
    putRouting([even], [routingOf([[[2, 0.5], [0, 0.5]]], 3)], { start: 0, experts: 3, topK: 2 }); // biome-ignore format: one token
    assert.deepEqual([...even.experts], [2, 0], 'of equal weights the first stays first');
  });

  it('has the load of its assignments', () => {
    assert.deepEqual([...expertLoad(few.experts, 3)], [0, 0, 1]);
    assert.deepEqual([...expertLoad(many.experts, 3)], [0.25, 0.5, 0.25]);
    assert.deepEqual([...expertLoad(Int32Array.of(-1, -1), 2)], [0, 0]);
  });

  it('is tied by weight alone, and only between two chosen experts', () => {
    const routing = routingOf([[[1, 0.5], [0, 0.49]], [[1, 0.5], [0, 0.45]], [[1, 0.5]], []], 2); // biome-ignore format: one token each
    assert.deepEqual(
      [0, 1, 2, 3].map((row) => isTied(routing, row, 2)),
      [true, false, false, false],
    );
  });

  it('is sent to the page while text is generated, and may grow wider', () => {
    const sink = createSink(Int32Array.of(7), 4);
    const part = (/** @type {ReturnType<typeof routingOf>[]} */ ...tokens) => ({
      tokens: Int32Array.from(tokens, () => 1),
      ...packRouting(tokens.map((routing) => ({ routing: [routing] }))),
    });
    const one = routingOf([[[2, 1]]], 3);
    const two = routingOf([[[0, 0.5], [1, 0.25]]], 3); // biome-ignore format: one token
    assert.equal(part(one, two).shape.topK, 2);
    assert.equal(sink(part(one)).shape.topK, 1);
    const { shape, views, from } = sink(part(two, one));
    assert.deepEqual([shape.topK, shape.tokens, from], [2, 3, 1]);
    assert.deepEqual([...views.layers[0].experts.subarray(0, 6)], [2, -1, 0, 1, 2, -1]);
    assert.deepEqual([...views.layers[0].weights.subarray(0, 6)], [1, 0, 0.5, 0.25, 1, 0]);
  });

  it('is recorded in a sample, which distinguishes unread tokens from tokens without an expert', () => {
    const sample = new Sample(new Int32Array(5), { layers: 1, experts: 3, batchSize: 1, contextLength: 2 });
    sample.begin({ step: 3, topK: 1 });
    sample.record(0, [routingOf([[[2, 1]], []], 3)]);
    sample.record(1, [routingOf([[[0, 0.5], [1, 0.5]], []], 3)]); // biome-ignore format: one token each
    assert.equal(sample.topK, 2);
    assert.deepEqual([...sample.experts], [2, -1, -1, -1, 0, 1, -1, -1, unread, unread]);
    const classes = Uint8Array.of(0, 0, 1, 1, 1);
    const { rows, load, tokens } = classTable({
      tokens: sample.tokens,
      classes,
      experts: sample.experts,
      topK: 2,
      count: 3,
    });
    assert.equal(tokens, 4);
    assert.deepEqual(
      load.map((share) => Math.round(3 * share)),
      [1, 1, 1],
    );
    assert.deepEqual(
      rows.map(({ shares: of }) => of),
      [
        [0, 0, 1],
        [0.5, 0.5, 0],
      ],
    );
  });

  it('says what became of a token', () => {
    const fates = [[[0, 1], [1, 0]], [[0, 0.5]], [[2, 0], [1, 0]], []]; // biome-ignore format: one token each
    const raw = { ...routingOf(/** @type {any} */ (fates), 3), dropped: Int32Array.of(0, 2, 1) };
    const all = room(4, 2, 3);
    putRouting([all], [raw], { start: 0, experts: 3, topK: 2 });
    assert.deepEqual(
      [0, 1, 2, 3].map((row) => outcomeOf(all, row, 2)),
      ['partly', 'routed', 'dropped', 'unchosen'],
    );
    assert.deepEqual([...all.experts.subarray(4, 6)], [2, 1], 'which experts dropped it stays known');
    assert.deepEqual(droppedOf(all, 3), [...raw.dropped]);
    // Without a limit, a weight of 0 is a softmax that was rounded.
    putRouting([all], [{ ...raw, dropped: new Int32Array(3) }], { start: 0, experts: 3, topK: 2 });
    assert.deepEqual(
      [0, 1, 2, 3].map((row) => outcomeOf(all, row, 2)),
      ['routed', 'routed', 'routed', 'unchosen'],
    );
  });

  it('marks a character without an expert, and one that was dropped', () => {
    const shape = { tokens: 2, layers: 1, topK: 2, experts: 3, predictions: 0 };
    const views = frameViews(new ArrayBuffer(frameBytes(shape)), shape);
    putRouting(views.layers, [few], { start: 0, ...shape });
    const routed = { tokens: Int32Array.of(65, 66), from: 0, shape, views };
    const look = { layer: 1, strength: true, letters: true, lit: null };
    assert.equal(lookOf(routed, 0, look).letter, 'C');
    assert.equal(lookOf(routed, 1, look).letter, '–');
    assert.match(lookOf(routed, 1, look).background, /^repeating-linear-gradient/);
    assert.equal(lookOf(routed, 1, { ...look, layer: 0 }).letter, '–');
    views.layers[0].weights[0] = 0;
    assert.equal(lookOf(routed, 0, look).letter, '×', 'by its only expert');
    assert.equal(lookOf(routed, 0, { ...look, layer: 0 }).letter, '×');
    views.layers[0].experts.set([0, 1]);
    views.layers[0].weights.set([0.5, 0]);
    assert.equal(lookOf(routed, 0, look).letter, 'A');
    assert.match(lookOf(routed, 0, look).background, /^linear-gradient\(to bottom left/, 'by one of two');
  });
});

describe('a map of what the engine chose', () => {
  // Two of four places have an expert that has not the largest logit, one has none.
  const size = 2;
  const shape = { size, experts: 3, topK: 2 };
  const raw = routingOf([[[2, 0.5]], [[1, 0.75], [0, 0.25]], [], [[1, 1]]], 3, [[5, 4, 3], [0, 1, 9], [1, 0, 0], [0, 3, 0]]); // biome-ignore format: one token each
  const routing = { ...raw, experts: Int16Array.from(raw.experts) };
  const owned = owners(routing, shape);

  it('is owned by the chosen experts, whatever the logits', () => {
    assert.deepEqual([...owned.first], [2, 1, noOwner, 1]);
    assert.deepEqual([...owned.weight], [0.5, 0.75, 0, 1]);
    assert.deepEqual([...weightsByExpert(routing, shape)], [0, 0.25, 0, 0, 0, 0.75, 0, 1, 0.5, 0, 0, 0]);
    assert.deepEqual([...routingAt(routing, shape, 1).weights], [0.75, 0.25]);
    assert.deepEqual(
      ownershipShares(owned.first, 3).map(({ name, share }) => [name, share]),
      [
        ['A', 0],
        ['B', 0.5],
        ['C', 0.25],
        ['tied', 0],
        ['no expert', 0.25],
      ],
    );
    const pixels = new Uint32Array(4);
    paintOwners(pixels, owned, { ...shape, patterns: false });
    assert.equal(pixels[2], pixelOf('#fdfcfa'));
  });

  it('agrees with its finer grid', () => {
    // Random choices that have nothing to do with the logits, and choices by logits with ties.
    let seed = 1;
    const random = () => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647;
    };
    for (const byLogits of [false, true]) {
      for (const topK of [1, 2, 3]) {
        const grid = { size: 9, experts: 4, topK };
        const logits = Array.from({ length: 81 }, () =>
          Array.from({ length: 4 }, () => Math.round(4 * random()) / 4),
        );
        const tokens = logits.map((own) => {
          const ids = [0, 1, 2, 3].sort((a, b) => (byLogits ? own[b] - own[a] || a - b : 0));
          if (!byLogits && random() < 0.1) return [];
          const from = byLogits ? 0 : Math.floor(random() * (5 - topK));
          const chosen = ids.slice(from, from + topK);
          const sum = chosen.reduce((total, id) => total + Math.exp(own[id]), 0);
          return chosen.map(
            (id) => /** @type {[number, number]} */ ([id, byLogits ? Math.exp(own[id]) / sum : random()]),
          );
        });
        const wide = room(81, topK, 4);
        putRouting([wide], [routingOf(tokens, 4, logits)], { start: 0, ...grid });
        const coarse = owners(wide, grid);
        // Of an odd number of places, the middle one is where the engine was asked.
        const factor = 3;
        const fine = refineOwners(coarse, wide, grid, factor);
        for (let row = 0; row < 9; row++) {
          for (let column = 0; column < 9; column++) {
            const place = row * 9 + column;
            const at = (row * factor + 1) * 9 * factor + column * factor + 1;
            assert.equal(
              fine.first[at],
              coarse.first[place],
              `place ${place}, k ${topK}, by logits: ${byLogits}`,
            );
            assert.ok(Math.abs(fine.weight[at] - coarse.weight[place]) < 1e-6);
          }
        }
        assert.ok(fine.first.every((owner) => owner === tied || owner === noOwner || owner < 4));
      }
    }
  });
});
