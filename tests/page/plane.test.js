import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { refineOwners } from '../../demo/plane/borders.js';
import { createPoints, dataFor, dataSets } from '../../demo/plane/data.js';
import {
  confidences,
  entropies,
  margins,
  owners,
  routingAt,
  weightsByExpert,
} from '../../demo/plane/fields.js';
import { mapBytes, mapViews } from '../../demo/plane/frame.js';
import { cellAt, gridPlaces, gridSize, reach } from '../../demo/plane/geometry.js';
import { routerLines, zeroLines } from '../../demo/plane/lines.js';
import { paintOwners, patternAt, pixelOf } from '../../demo/plane/pixels.js';
import { onCircle } from '../../demo/plane/random.js';
import { largestRegions } from '../../demo/plane/regions.js';
import { paintNumbers } from '../../demo/plane/scale.js';
import { planeSettings } from '../../demo/plane/settings.js';
import { topKOf } from './routing-fake.js';

const usual = Object.fromEntries(planeSettings.map(({ key, default: value }) => [key, value]));

describe('points', () => {
  const kinds = Object.keys(dataSets);
  /** @param {Partial<Parameters<typeof createPoints>[0]>} [options] */
  const make = (options) =>
    createPoints({ data: 'spirals', classes: 2, count: 300, noise: 0.15, seed: 1, ...options });

  it('are the same for the same seed, and different for another', () => {
    for (const data of kinds) {
      assert.deepEqual(make({ data }), make({ data }));
      assert.notDeepEqual(make({ data }).inputs, make({ data, seed: 2 }).inputs);
    }
  });

  it('are the same on every machine', () => {
    const hash = createHash('sha256');
    for (const data of kinds) {
      for (const classes of [2, 3, 4]) {
        const { inputs, targets } = make({ data, classes: dataSets[data].classes ?? classes, noise: 0.4 });
        hash.update(new Uint8Array(inputs.buffer)).update(new Uint8Array(targets.buffer));
      }
    }
    assert.equal(hash.digest('hex').slice(0, 16), '7617c88bf3b563c0');
  });

  it('lie on the map, whatever the noise, with equal numbers in all classes', () => {
    for (const data of kinds) {
      for (const noise of [0, 1]) {
        const classes = dataSets[data].classes ?? 4;
        const { inputs, targets } = make({ data, classes, noise });
        assert.ok(inputs.every((value) => Math.abs(value) < reach && Number.isInteger(value * 512)));
        for (let id = 0; id < classes; id++) {
          assert.equal(targets.filter((target) => target === id).length, 300 / classes);
        }
      }
    }
  });

  it('have the shape of their name', () => {
    const radius = (/** @type {Float32Array} */ inputs, /** @type {number} */ i) =>
      Math.hypot(inputs[2 * i], inputs[2 * i + 1]);
    const circles = make({ data: 'circles', classes: 3, noise: 0 });
    circles.targets.forEach((id, i) => {
      const at = radius(circles.inputs, i) / (5.2 / 3);
      assert.ok(at > id && at < id + 1, `class ${id} at ${at}`);
    });
    const xor = make({ data: 'xor', noise: 0 });
    xor.targets.forEach((id, i) => {
      assert.equal(Number(xor.inputs[2 * i] * xor.inputs[2 * i + 1] < 0), id);
    });
    const board = make({ data: 'checkerboard', noise: 0 });
    board.targets.forEach((id, i) => {
      const square = (/** @type {number} */ value) => Math.floor((value + 5.2) / 2.6);
      assert.equal((square(board.inputs[2 * i]) + square(board.inputs[2 * i + 1])) % 2, id);
    });
  });

  it('lie on circles as accurate as the sine', () => {
    for (let i = 0; i < 1000; i++) {
      const turns = i / 333;
      const [x, y] = onCircle(turns);
      assert.ok(Math.abs(x - Math.cos(2 * Math.PI * turns)) < 1e-12);
      assert.ok(Math.abs(y - Math.sin(2 * Math.PI * turns)) < 1e-12);
    }
  });

  it('are split without loss, training points first', () => {
    const { all, train, heldOut, classes } = dataFor({ ...usual, points: 200 });
    assert.equal(classes, 2);
    assert.equal(train.targets.length, 150);
    assert.equal(heldOut.targets.length, 50);
    assert.deepEqual([...all.inputs], [...train.inputs, ...heldOut.inputs]);
    const sorted = (/** @type {Float32Array} */ values) => [...values].sort();
    assert.deepEqual(sorted(all.inputs), sorted(make({ count: 200 }).inputs));
  });
});

describe('the map', () => {
  it('has a cell around each of its places', () => {
    const size = 8;
    const places = gridPlaces(size);
    for (let cell = 0; cell < size * size; cell++) {
      assert.equal(cellAt({ x: places[2 * cell], y: places[2 * cell + 1] }, size), cell);
    }
    assert.equal(cellAt({ x: -reach, y: reach }, size), 0, 'the top left comes first');
    assert.equal(cellAt({ x: 99, y: -99 }, size), size * size - 1);
    assert.ok(Math.abs(places[0] + reach - reach / size) < 1e-6);
  });

  it('is as fine as the budget allows', () => {
    const limits = { budget: 1e6, least: 16, most: 96 };
    assert.equal(gridSize(1, limits), 96);
    assert.equal(gridSize(1e6, limits), 16);
    const size = gridSize(500, limits);
    assert.ok(size % 8 === 0 && size * size * 500 <= 1e6 && (size + 8) ** 2 * 500 > 1e6);
  });

  it('is one buffer of parts without gaps or overlap', () => {
    const shape = { size: 4, classes: 3, layers: 2, experts: 5, topK: 2, heldOut: 7, points: 20 };
    const buffer = new ArrayBuffer(mapBytes(shape));
    const { probabilities, places, points, layers, predicted } = mapViews(buffer, shape);
    const parts = [
      probabilities,
      ...places.flatMap((l) => [l.weights, l.logits]),
      ...points.flatMap((l) => [l.experts, l.weights, l.logits]),
      predicted,
      ...places.map((l) => l.experts),
    ];
    assert.deepEqual(
      parts.map(({ length }) => length),
      [48, 32, 80, 32, 80, 40, 40, 100, 40, 40, 100, 20, 32, 32],
    );
    points[1].experts.fill(3, 26);
    assert.deepEqual([...layers[1].experts], new Array(14).fill(3), 'held-out points are the last ones');
    assert.deepEqual([layers[1].weights.length, layers[1].logits.length], [14, 35]);
    let at = 0;
    for (const part of parts) {
      assert.equal(part.byteOffset, at);
      at += part.byteLength;
    }
    assert.equal(at, buffer.byteLength);
  });

  it('has sharp boundaries between places', () => {
    const size = 12;
    const shape = { size, experts: 3, topK: 2 };
    // Where numbers are linear, what is interpolated is what there is.
    const logitsAt = (/** @type {number} */ x, /** @type {number} */ y) =>
      [x - 0.37 * y, 4.1 - x, y - 5.3].map((logit) => logit / 4);
    const grid = (/** @type {number} */ cells) => {
      const logits = Float32Array.from({ length: cells * cells * 3 }, (_, i) => {
        const cell = Math.floor(i / 3);
        const place = (/** @type {number} */ at) => ((at + 0.5) * size) / cells;
        return logitsAt(place(cell % cells), place(Math.floor(cell / cells)))[i % 3];
      });
      return topKOf(logits, shape);
    };
    const coarse = owners(grid(size), shape);
    const fine = refineOwners(coarse, grid(size), shape, 4);
    const exact = owners(grid(4 * size), shape);
    const wide = 4 * size;
    let [others, borders] = [0, 0];
    fine.first.forEach((owner, i) => {
      // Beyond the middle of the outermost cells nothing is known.
      if ([i % wide, Math.floor(i / wide)].some((at) => at < 2 || at >= wide - 2)) return;
      others += Number(owner !== exact.first[i]);
      borders += Number(exact.first[i] !== exact.first[i - 1]);
      if (owner === exact.first[i]) assert.ok(Math.abs(fine.weight[i] - exact.weight[i]) < 0.03);
    });
    assert.ok(borders > 30, 'there are borders');
    assert.equal(others, 0);
  });

  it('gives the owner of a place, with the weights of the engine', () => {
    const shape = { experts: 4, topK: 2 };
    const logits = Float32Array.of(0, 2, 1, -1, 3, 3, 0, 0, 0, 0, 0, 0.01);
    const routing = topKOf(logits, shape);
    const { first, weight } = owners(routing, shape);
    assert.deepEqual([...first], [1, -1, -1], 'tied where the lead is below 0.02');
    assert.ok(Math.abs(weight[0] - Math.E / (Math.E + 1)) < 1e-6);
    assert.deepEqual([...routingAt(routing, shape, 1).experts], [0, 1], 'ties go to the lower id');
    const each = weightsByExpert(routing, shape);
    assert.equal(each.length, 12);
    for (let row = 0; row < 3; row++) {
      const weights = [0, 1, 2, 3].map((expert) => each[expert * 3 + row]);
      assert.equal(weights.filter((w) => w > 0).length, 2);
      assert.ok(Math.abs(weights.reduce((sum, w) => sum + w, 0) - 1) < 1e-6);
    }
    const one = { experts: 4, topK: 1 };
    const alone = owners(topKOf(logits, one), one);
    assert.deepEqual([...alone.first], [1, -1, -1], 'of one that is chosen too');
    assert.equal(alone.weight[0], 1);
    const only = { experts: 1, topK: 1 };
    assert.deepEqual([...owners(topKOf(Float32Array.of(5, 6), only), only).first], [0, 0]);
  });

  it('has numbers within their range', () => {
    const even = entropies(Float32Array.of(1, 1, 1, 1, 90, 0, 0, 0), 4);
    assert.ok(Math.abs(even[0] - 1) < 1e-6 && even[1] < 1e-6);
    const probabilities = Float32Array.of(0.2, 0.5, 0.3, 0.4, 0.4, 0.2);
    assert.ok(Math.abs(confidences(probabilities, 3)[0] - 0.5) < 1e-6);
    const lead = margins(probabilities, 3, 1);
    assert.ok(Math.abs(lead[0] - 0.2) < 1e-6 && Math.abs(lead[1]) < 1e-6);
  });
});

describe('lines', () => {
  it('run where the values are 0', () => {
    const size = 40;
    const values = Float32Array.from(
      { length: size * size },
      (_, i) => Math.hypot((i % size) + 0.5 - 20, Math.floor(i / size) + 0.5 - 20) - 12,
    );
    let length = 0;
    zeroLines(values, size, (x1, y1, x2, y2) => {
      length += Math.hypot(x2 - x1, y2 - y1);
      assert.ok(Math.abs(Math.hypot(x1 - 20, y1 - 20) - 12) < 0.05);
    });
    assert.ok(Math.abs(length - 2 * Math.PI * 12) < 0.3, `the whole circle: ${length}`);
  });

  it('cut off the right corners of a saddle', () => {
    /** @param {number[]} values */
    const piecesOf = (values) => {
      /** @type {number[][]} */
      const pieces = [];
      zeroLines(values, 2, (...piece) => pieces.push(piece));
      return pieces;
    };
    // The middle is positive: the corners that are negative stand alone.
    const [one, other] = piecesOf([3, -1, -1, 3]);
    const near = (
      /** @type {number[]} */ [x1, y1, x2, y2],
      /** @type {number} */ x,
      /** @type {number} */ y,
    ) => Math.max(Math.hypot(x1 - x, y1 - y), Math.hypot(x2 - x, y2 - y));
    assert.ok(near(one, 1.5, 0.5) < 0.5 && near(other, 0.5, 1.5) < 0.5);
    const [first, second] = piecesOf([1, -3, -3, 1]);
    const ends = [
      near(first, 0.5, 0.5),
      near(second, 0.5, 0.5),
      near(first, 1.5, 1.5),
      near(second, 1.5, 1.5),
    ];
    assert.equal(ends.filter((distance) => distance < 0.5).length, 2);
  });

  it('of a router run only where its ranking changes', () => {
    const size = 20;
    // Experts 0 and 1 change places in the middle; expert 2 follows; 3 and 4 cross each other far below.
    const logits = Float32Array.from({ length: size * size * 5 }, (_, i) => {
      const x = (Math.floor(i / 5) % size) - 9.6;
      return [5 + x / 10, 5 - x / 10, 2, -50 + x, -50 - x][i % 5];
    });
    /** @type {number[]} */
    const columns = [];
    const shape = { size, experts: 5, topK: 2 };
    routerLines(topKOf(logits, shape), shape, (x1, _, x2) => columns.push(x1, x2));
    assert.equal(columns.length, 2 * (size - 1), 'one line from top to bottom');
    assert.ok(columns.every((x) => Math.abs(x - 10.1) < 0.01));
  });
});

describe('letters', () => {
  it('are inside the largest region of their expert', () => {
    const size = 30;
    // A has a small and a large region, B a ring whose middle is A's, C nothing.
    const map = Int16Array.from({ length: size * size }, (_, i) => {
      const [x, y] = [i % size, Math.floor(i / size)];
      if (x > 26 && y > 26) return 0;
      return Math.max(Math.abs(x - 12), Math.abs(y - 12)) < 5 ? 0 : 1;
    });
    const regions = largestRegions(map, size);
    assert.deepEqual([...regions.keys()].sort(), [0, 1]);
    const a = regions.get(0);
    assert.ok(a && Math.abs(a.x - 12.5) <= 1 && Math.abs(a.y - 12.5) <= 1 && a.clearance === 5);
    const b = regions.get(1);
    assert.ok(b && map[Math.floor(b.y) * size + Math.floor(b.x)] === 1, 'a ring has its letter on the ring');
    assert.ok(b.clearance >= 6);
  });

  it('are none where two are tied', () => {
    assert.equal(largestRegions(new Int16Array(16).fill(-1), 4).size, 0);
  });
});

describe('pixels', () => {
  it('have the colour of the owner, paler with less weight, grey where two are tied', () => {
    const pixels = new Uint32Array(4);
    const owned = { first: Int16Array.of(0, 0, 1, -1), weight: Float32Array.of(1, 0.5, 1, 1) };
    paintOwners(pixels, owned, { size: 2, experts: 3, topK: 2, patterns: false });
    assert.equal(pixels[0], pixelOf('#c3e41d'));
    assert.notEqual(pixels[1], pixels[0]);
    assert.equal(pixels[2], pixelOf('#2f2087'));
    assert.equal(pixels[3], pixelOf('#d9d6cf'));
    const last = new Uint32Array(2);
    paintNumbers(last, Float32Array.of(-1, 9), { from: 0, to: 1 });
    assert.notEqual(last[0], last[1]);
  });

  it('have a pattern for each of sixteen experts', () => {
    const looks = Array.from({ length: 16 }, (_, expert) =>
      Array.from({ length: 24 * 24 }, (_, i) => Number(patternAt(expert, i % 24, Math.floor(i / 24)))).join(
        '',
      ),
    );
    assert.equal(new Set(looks).size, 16);
  });
});
