import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { engineConfig } from '../../demo/config.js';
import { planeSettings } from '../../demo/plane/settings.js';
import { createSchema, idleKeys, routes } from '../../demo/schema.js';
import { createState } from '../../demo/state.js';
import { textSettings } from '../../demo/text/settings.js';

const plain = { summary: '', requires: [], strict: false, shape: false };
/** @type {import('../../demo/schema.js').EngineField[]} */
const fields = [
  ...['layers', 'heads', 'dModel', 'dHead', 'dInner', 'experts', 'topK', 'contextLength', 'batchSize'].map(
    (name) => ({
      ...plain,
      name,
      type: /** @type {const} */ ('integer'),
      default: 2,
      min: 1,
      max: name === 'dInner' ? 256 : 100000,
      requires: name === 'topK' ? ['routes'] : [],
    }),
  ),
  { ...plain, name: 'memoryLength', type: 'integer', default: 0, min: 0, max: 100000 },
  { ...plain, name: 'seed', type: 'integer', default: 0, min: 0, max: 4294967295 },
  {
    ...plain,
    name: 'hyperSize',
    type: 'integer',
    default: 128,
    min: 1,
    max: 4096,
    requires: ['hypernetwork'],
  },
  {
    ...plain,
    name: 'loadBalanceWeight',
    type: 'number',
    default: 0,
    min: 0,
    max: 1,
    requires: ['auxiliaryLoss'],
    strict: true,
  },
  {
    ...plain,
    name: 'router',
    type: 'choice',
    default: 'hyperrouter',
    choices: ['hyperrouter', 'new', 'none'],
    options: [
      {
        name: 'hyperrouter',
        label: 'HyperRouter',
        summary: 'of the engine',
        traits: ['routes', 'hypernetwork', 'auxiliaryLoss'],
      },
      {
        name: 'new',
        label: 'A new one',
        summary: 'a router that the page was not written for',
        traits: ['routes'],
      },
      { name: 'none', label: 'None', summary: '', traits: [] },
    ],
  },
];
const create = () => createState(createSchema(textSettings, fields));

describe('schema', () => {
  it('takes routers and limits from the engine', () => {
    const { settingOf } = create();
    const router = settingOf('router');
    assert.deepEqual(
      router.choices?.map(({ value }) => value),
      ['hyperrouter', 'new', 'none'],
    );
    assert.equal(router.choices?.[1].label, 'A new one');
    assert.equal(router.default, 'hyperrouter');
    assert.equal(router.choices?.[1].help, 'a router that the page was not written for');
    assert.equal(settingOf('dInner').max, 256, 'the engine allows less than the page would');
    assert.equal(settingOf('dModel').max, 192, 'the page allows less than the engine would');
  });

  it('knows what has no effect with the router that is chosen', () => {
    const state = createState(createSchema(planeSettings, fields));
    const idle = () => [...idleKeys(state.schema, state.values.value)];
    state.setAll([
      ['experts', 8],
      ['topK', 7],
      ['loadBalanceWeight', 0.05],
    ]);
    assert.deepEqual([idle(), routes(state)], [[], true]);
    state.set('router', 'new');
    assert.deepEqual([idle(), routes(state)], [['hyperSize', 'loadBalanceWeight'], true]);
    assert.equal(engineConfig(state).loadBalanceWeight, 0, 'the engine would refuse it');
    assert.equal(state.get('loadBalanceWeight'), 0.05, 'for later');
    assert.equal(engineConfig(state).topK, 7);
    state.set('router', 'none');
    assert.deepEqual([idle(), routes(state)], [['topK', 'hyperSize', 'loadBalanceWeight'], false]);
    state.set('router', 'hyperrouter');
    assert.equal(engineConfig(state).loadBalanceWeight, 0.05);
  });

  it('leaves out what the engine does not have', () => {
    assert.throws(() => create().settingOf('dropout'), /unknown setting “dropout”/);
  });

  it('has a default that is allowed, a label and a help for every setting', () => {
    const state = create();
    for (const { key, label, help, default: usual } of state.schema) {
      assert.ok(label && help, key);
      assert.deepEqual(state.set(key, usual), [], key);
      assert.equal(state.get(key), usual);
    }
  });
});

describe('state', () => {
  it('has an empty address at the defaults, and only what differs otherwise', () => {
    const state = create();
    assert.equal(state.address.value, '');
    state.set('experts', 12);
    state.set('letters', false);
    state.set('prompt', 'Ahab & the whale');
    assert.equal(state.address.value, 'experts=12&letters=0&prompt=Ahab+%26+the+whale');
    state.set('experts', 8);
    assert.equal(state.address.value, 'letters=0&prompt=Ahab+%26+the+whale');
  });

  it('reads its own address back', () => {
    const one = create();
    const entries = {
      router: 'new',
      experts: 12,
      topK: 10,
      learningRate: 0.0125,
      letters: false,
      prompt: 'é=&#',
    };
    for (const [key, value] of Object.entries(entries)) assert.deepEqual(one.set(key, value), []);
    const other = create();
    other.set('layers', 4);
    assert.deepEqual(other.readAddress(`#${one.address.value}`), []);
    assert.deepEqual(other.values.value, one.values.value);
    assert.equal(other.get('layers'), 2, 'what the address does not name has its default');
  });

  it('ignores unknown keys and clamps bad values, saying so', () => {
    const state = create();
    const problems = state.readAddress(
      'nothing=1&experts=99&layers=x&router=best&letters=maybe&dModel=70&topK=2.4',
    );
    assert.equal(state.get('experts'), 16);
    assert.equal(state.get('layers'), 2);
    assert.equal(state.get('router'), 'hyperrouter');
    assert.equal(state.get('letters'), true);
    assert.equal(state.get('dModel'), 64);
    assert.equal(state.get('topK'), 2);
    assert.equal(problems.length, 6);
    assert.match(
      problems.join('\n'),
      /experts is 99; it must be a whole number from 1 to 16, so it was set to 16/,
    );
    assert.match(problems.join('\n'), /router is “best”; it must be one of hyperrouter, new, none/);
    assert.match(problems.join('\n'), /dModel is 70; .* in steps of 16, so it was set to 64/);
    assert.doesNotMatch(problems.join('\n'), /nothing/);
  });

  it('takes no number that is none', () => {
    for (const raw of ['', ' ', 'NaN', '1e', null, undefined, Number.NaN, {}, true]) {
      const state = create();
      assert.equal(state.set('experts', raw).length, 1, String(raw));
      assert.equal(state.get('experts'), 8);
    }
    for (const [raw, value] of [
      ['Infinity', 16],
      [-Infinity, 1],
      ['1e3', 16],
      ['0x5', 5],
    ]) {
      const state = create();
      state.set('experts', raw);
      assert.equal(state.get('experts'), value, String(raw));
    }
  });

  it('judges a value by the limit that comes with it', () => {
    const state = create();
    assert.deepEqual(state.readAddress('topK=14&experts=15'), []);
    assert.equal(state.get('topK'), 14);
  });

  it('lowers k when there are fewer experts', () => {
    const state = create();
    state.set('topK', 8);
    assert.match(
      state.set('experts', 3).join(),
      /Experts per token \(k\) was lowered from 8 to 3, the number of experts/,
    );
    assert.equal(state.get('topK'), 3);
  });

  it('writes steps as people do', () => {
    const state = create();
    for (const value of [0.05, 0.15, 0.3, 0.35, 0.7, 1.1]) {
      assert.deepEqual(state.set('temperature', value), []);
      assert.equal(state.get('temperature'), value);
    }
  });

  it('cuts a text that is too long', () => {
    const state = create();
    assert.equal(state.set('prompt', 'x'.repeat(1000)).length, 1);
    assert.equal(String(state.get('prompt')).length, 200);
  });
});
