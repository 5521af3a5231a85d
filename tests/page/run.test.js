import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRun } from '../../demo/run.js';
import { createState } from '../../demo/state.js';

const setting = { label: '', help: '', group: 'model', control: /** @type {const} */ ('none') };

/** A run whose worker notes what it is asked for, with the size of the model that it has then. */
function bench() {
  /** @type {string[]} */
  const asked = [];
  let size = 0;
  const client = {
    lost: new Promise(() => {}),
    /** @param {string} type @param {any} body */
    async request(type, body) {
      if (type === 'build') size = body.config.size;
      if (type !== 'frame') asked.push(`${type} ${size}`);
      if (type === 'frame') return { step: 0, losses: [], heldOut: [], measures: [], moments: [] };
      return { config: {}, topK: 1, step: 0 };
    },
  };
  const state = createState([
    { ...setting, key: 'size', type: 'integer', default: 1, effect: 'rebuild' },
    { ...setting, key: 'learningRate', type: 'number', default: 0.1, effect: 'live' },
  ]);
  const task = {
    name: 'plane',
    config: () => ({ size: Number(state.peek('size')) }),
    // Data may be loaded first.
    wanted: async () => 'data',
    check: () => {},
    body: () => ({}),
    begin: () => {},
  };
  const run = createRun(/** @type {any} */ ({ openClient: async () => client, state, task }));
  return { run, state, asked };
}

describe('a run', () => {
  it('starts the model that was asked for last, though it is not there yet', async () => {
    const { run, state, asked } = bench();
    await run.build({ go: false });
    state.set('size', 2);
    run.build();
    await run.start();
    assert.deepEqual(asked, ['build 1', 'build 2', 'runTo 2']);
  });

  it('takes a single step of that model too', async () => {
    const { run, state, asked } = bench();
    await run.build({ go: false });
    state.set('size', 2);
    run.build();
    await run.oneStep();
    assert.deepEqual(asked, ['build 1', 'build 2', 'runTo 2']);
  });

  it('builds the last of several models that were asked for at once, and goes on if it ran', async () => {
    const { run, state, asked } = bench();
    await run.build({ go: false });
    for (const size of [2, 3, 4]) {
      state.set('size', size);
      run.build({ go: true });
    }
    await run.build({ go: true });
    await new Promise((resolve) => setTimeout(resolve));
    assert.deepEqual(asked, ['build 1', 'build 4', 'runTo 4']);
  });
});
