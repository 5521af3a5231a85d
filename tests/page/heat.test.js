import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { depthOf, destination, heatOf, number, range } from '../../demo/inside/heat.js';
import { matrix, rowSimilarity, transposed } from '../../demo/inside/router.js';

describe('a heat map', () => {
  it('is as dark below 0 as above, and darkest at its maximum and beyond', () => {
    assert.deepEqual([0, 1, -1, 4, -9].map((x) => depthOf(x, 4)).map(Math.abs), [0, 0.5, 0.5, 1, 1]);
    assert.ok(depthOf(-1, 4) < 0);
    assert.equal(heatOf(0, 1).fill, '#fdfcfa');
    assert.equal(heatOf(7, 1).fill, heatOf(1, 1).fill);
    assert.notEqual(heatOf(1, 1).fill, heatOf(-1, 1).fill);
  });

  it('is navigated by keys, past empty cells', () => {
    const full = matrix(new Float32Array(6), 2);
    const at = (/** @type {string} */ key, /** @type {number[] | null} */ from, of = full) => {
      const to = destination(key, from && { row: from[0], column: from[1] }, of);
      return to && [to.row, to.column];
    };
    assert.deepEqual(at('ArrowRight', null), [0, 0]);
    assert.deepEqual(at('ArrowRight', [0, 1]), [0, 2]);
    assert.deepEqual(at('ArrowRight', [0, 2]), [0, 2], 'there is an edge');
    assert.deepEqual(at('ArrowDown', [0, 1]), [1, 1]);
    assert.deepEqual(at('ArrowUp', [0, 1]), [0, 1]);
    assert.deepEqual(at('Home', [1, 1]), [0, 0]);
    assert.deepEqual(at('End', null), [1, 2]);
    assert.equal(at('Tab', [0, 1]), undefined);
    const half = rowSimilarity(matrix(Float32Array.of(1, 0, 0, 1, 1, 1), 3)).cosines;
    assert.deepEqual(at('ArrowRight', null, half), [1, 0]);
    assert.deepEqual(at('ArrowRight', [1, 0], half), [1, 0], 'the diagonal is empty');
    assert.deepEqual(at('End', null, half), [2, 1]);
  });

  it('can be transposed, and formats its values', () => {
    assert.deepEqual([...transposed(matrix(Float32Array.of(1, 2, 3, 4, 5, 6), 2)).data], [1, 4, 2, 5, 3, 6]);
    assert.deepEqual([0, -0.01234, 5, 1234.5, 1e-6].map(number), ['0', '−0.0123', '5.00', '1235', '1.0e−6']);
    assert.equal(range({ data: Float32Array.of(0.5, -2, 1) }), 'from −2.00 to 1.00');
  });
});
