/** The same seed and data give the same bits: in every engine, whatever it did before, and in every Node. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { load } from '../../web/index.js';
import { fingerprints } from './fingerprint.js';
import { onEveryVariant, parametersOf, randomSegment, TINY } from './helpers.js';

const OTHER_NODE = fileURLToPath(new URL('../current-node/node_modules/.bin/node', import.meta.url));
const VERSION_0_1 = new URL('../golden/fingerprints-0.1.json', import.meta.url);
const PROGRAM = fileURLToPath(new URL('./fingerprint.js', import.meta.url));

/**
 * @param {string} node
 * @param {string[]} args
 */
async function run(node, args) {
  // The runner's own settings are not for the child.
  const { NODE_OPTIONS, NODE_TEST_CONTEXT, ...env } = process.env;
  return (await promisify(execFile)(node, args, { env, maxBuffer: 2 ** 24 })).stdout;
}

onEveryVariant((bench) => {
  test('two engines', async () => {
    const [first, second] = [await load({ variant: bench.variant }), await load({ variant: bench.variant })];
    assert.deepEqual(fingerprints(first), fingerprints(second));
    first.dispose();
    second.dispose();
  });

  test('an engine whose memory has been used before, with others in it', async () => {
    const used = await load({ variant: bench.variant });
    used.createClassifier({ inputSize: 5 });
    const models = [30, 31, 32].map((seed) => used.createLanguageModel({ ...TINY, dInner: seed, seed }));
    for (const model of models) model.trainStep({ ...randomSegment(TINY, 1), learningRate: 0.5 });
    for (const model of models) model.dispose();
    const fresh = await load({ variant: bench.variant });
    assert.deepEqual(fingerprints(used), fingerprints(fresh));
    assert.deepEqual(fingerprints(used), fingerprints(fresh), 'the second time');
    used.dispose();
    fresh.dispose();
  });

  test('another seed is another model, in every tensor that is drawn', () => {
    const [one, same, other] = [7, 7, 8].map((seed) => parametersOf(bench.language({ ...TINY, seed })));
    assert.deepEqual(one, same);
    for (const [name, data] of one) {
      const constant = data.every((value) => value === 0);
      const equal = data.every((value, i) => value === other.get(name)?.[i]);
      assert.equal(equal, constant, name);
    }
  });

  test('it would show: another seed has other fingerprints throughout', () => {
    const [one, other] = [fingerprints(bench.engine, 7), fingerprints(bench.engine, 8)];
    for (const [name, entry] of Object.entries(one)) {
      for (const [key, value] of Object.entries(entry)) {
        assert.notDeepEqual(value, /** @type {any} */ (other[name])[key], `${name}: ${key}`);
      }
    }
  });
});

describe('simd', () => {
  test('computes what version 0.1 computed, to the last bit', async () => {
    const engine = await load({ variant: 'simd' });
    const actual = JSON.parse(JSON.stringify(fingerprints(engine)));
    assert.deepEqual(actual, JSON.parse(await readFile(VERSION_0_1, 'utf8')));
    engine.dispose();
  });

  const skip = !existsSync(OTHER_NODE) && 'there is no other Node in tests/current-node';
  test('another process and another Node', { skip }, async () => {
    const version = (await run(OTHER_NODE, ['--version'])).trim();
    const engine = await load({ variant: 'simd' });
    const expected = JSON.parse(JSON.stringify(fingerprints(engine)));
    for (const node of [process.execPath, OTHER_NODE]) {
      const actual = JSON.parse(await run(node, [PROGRAM]));
      assert.deepEqual(
        actual,
        expected,
        `${process.version} and ${node === OTHER_NODE ? version : 'itself'}`,
      );
    }
    engine.dispose();
  });

  test('with the baseline and the optimizing compiler', async () => {
    // The engine's first compiler and its last must agree on every bit; by default a module meets both.
    const engine = await load({ variant: 'simd' });
    const expected = JSON.parse(JSON.stringify(fingerprints(engine)));
    for (const flags of [['--liftoff', '--no-wasm-tier-up'], ['--no-liftoff']]) {
      assert.deepEqual(
        JSON.parse(await run(process.execPath, [...flags, PROGRAM])),
        expected,
        flags.join(' '),
      );
    }
    engine.dispose();
  });
});
