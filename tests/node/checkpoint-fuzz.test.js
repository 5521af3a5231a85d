/** Checkpoints with bytes changed at random: each opens or is refused with a CheckpointError. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CheckpointError } from '../../web/index.js';
import {
  assertSameParameters,
  onEveryVariant,
  parametersOf,
  randomFrom,
  TINY,
  trainSome,
} from './helpers.js';
import { readSafetensors } from './safetensors.js';

const ROUNDS = 400;

/**
 * A copy with one to three changes, most of them in the header, which holds nearly all of the structure; every tenth is
 * cut off somewhere too.
 * @param {Uint8Array} file
 * @param {number} round
 * @param {() => number} random
 */
function broken(file, round, random) {
  /** @param {number} limit */
  const below = (limit) => Math.floor(random() * limit);
  const header = 8 + readSafetensors(file).headerBytes;
  const copy = file.slice(0, round % 10 === 0 ? below(file.length) : file.length);
  for (let changes = 1 + below(3); changes > 0 && copy.length > 0; changes--) {
    const at = below(random() < 0.7 ? Math.min(header, copy.length) : copy.length);
    const digit = copy[at] >= 0x30 && copy[at] <= 0x39;
    // One digit for another keeps the JSON whole, and lies.
    copy[at] = digit && random() < 0.7 ? 0x30 + below(10) : copy[at] ^ (1 << below(8));
  }
  return copy;
}

onEveryVariant((bench) => {
  for (const optimizer of [false, true]) {
    test(`a file ${optimizer ? 'with' : 'without'} optimizer state`, () => {
      const model = bench.language({ ...TINY, layers: 1 });
      trainSome(model, 0, 1);
      const file = model.saveCheckpoint({ optimizer, metadata: { note: 'fuzz' } });
      const random = randomFrom(optimizer ? 77 : 78);
      const counts = { opened: 0, refused: 0 };
      const before = bench.engine.memoryBytes;
      for (let round = 0; round < ROUNDS; round++) {
        try {
          bench.engine.loadCheckpoint(broken(file, round, random)).dispose();
          counts.opened++;
        } catch (error) {
          assert.ok(error instanceof CheckpointError, `round ${round}: ${error}`);
          counts.refused++;
        }
      }
      assert.ok(counts.opened > ROUNDS / 25 && counts.refused > ROUNDS / 5, JSON.stringify(counts));
      // A digit changed may make a batch of 3 one of 9, and a context of 6 one of 9.
      assert.ok(bench.engine.memoryBytes < before + 2 ** 22, 'memory of the engine');
      assertSameParameters(parametersOf(bench.openLanguage(file)), parametersOf(model));
    });
  }
});
