/** The model with which the text room opens, without a browser. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { load } from 'hyperrouter-wasm';
import { listRuns, readStudy } from 'hyperrouter-wasm/study';
import { createState } from '../../demo/state.js';
import { texts } from '../../demo/text/library.js';
import {
  addressOf,
  nothing,
  openingValues,
  pretrained,
  pretrainedValues,
  settingsAt,
  settleStart,
  training,
} from '../../demo/text/pretrained.js';
import { SymbolVocabulary } from '../../demo/text/vocabulary.js';
import { vocabularyOf } from '../../demo/trainer/text-model.js';
import { pretrainedFile, stateOf, trained } from './node-runs.js';

/** @type {import('hyperrouter-wasm').Engine} */
let engine;
before(async () => {
  engine = await load({ variant: 'simd' });
});
after(() => engine.dispose());

describe('the file', () => {
  it('is small, and what the study beside it makes', async () => {
    const bytes = await readFile(pretrainedFile);
    assert.ok(bytes.length <= 1e6, `${bytes.length} bytes`);
    const study = readStudy(await readFile(new URL('study.json', pretrainedFile), 'utf8'), engine);
    const [run] = listRuns(study);
    const model = /** @type {import('hyperrouter-wasm').LanguageModel} */ (engine.loadCheckpoint(bytes));
    const vocabulary = vocabularyOf(model);
    assert.deepEqual(model.config, {
      ...model.config,
      ...run.model,
      vocabSize: study.vocabulary.size,
      seed: run.seed,
    });
    for (const [key, value] of Object.entries(pretrainedValues)) {
      if (key !== 'tokens') assert.equal(/** @type {any} */ (model.config)[key], value, key);
    }
    const { batchSize, contextLength } = model.config;
    model.dispose();
    const parts = study.data.map((file) => {
      const text = texts[/** @type {'moby-dick'} */ (file.replace('.txt', ''))]();
      return vocabulary.encode(new TextEncoder().encode(text)).tokens.length;
    });
    const learned = Math.floor((parts[0] + parts[1]) * (1 - Number(study.validation)));
    assert.ok(learned <= parts[0] + 0.9 * parts[1], 'what the page holds out was held out');
    const { steps } = run.train;
    assert.deepEqual(
      [training.steps, training.epochs],
      [steps, Math.round((steps * batchSize * contextLength) / learned)],
    );
  });

  it('writes words of English, and knows more of the held-out text than one that begins', async () => {
    const { trainer, frame } = await trained(engine, 'text', openingValues, 1);
    const { heldOut } = frame;
    const perByte = 2.4;
    assert.ok(
      heldOut[0].loss / Math.LN2 < 2.9 * perByte,
      `${heldOut[0].loss / Math.LN2} bits per piece at step 0`,
    );
    const { beganUntrained, untrained } = /** @type {any} */ (trainer.summary().data);
    assert.equal(beganUntrained, false);
    assert.ok(untrained, 'what an untrained model would have chosen is known all the same');
    const prompt = new TextEncoder().encode(String(openingValues.prompt));
    const options = { maxTokens: 100, temperature: 0.7, topP: 0.95, seed: 1 };
    const tokens = [.../** @type {any} */ (trainer).generate(prompt, options)].map(({ token }) => token);
    const { vocabulary } = /** @type {any} */ (trainer.summary().data);
    const written = SymbolVocabulary.fromJSON(vocabulary).decode(tokens);
    trainer.dispose();
    const known = new Set((texts['moby-dick']() + texts['moby-dick-rest']()).match(/[a-z]+/gi));
    const words = written.match(/[a-z]+/gi) ?? [];
    const right = words.filter((word) => known.has(word)).length;
    assert.ok(
      words.length > 30 && right / words.length > 0.85,
      `${right} of ${words.length} words: ${written}`,
    );
  });
});

describe('addresses', () => {
  it('name the start, and only what is changed of it', () => {
    const opened = (/** @type {string} */ address) => {
      const state = createState(stateOf(engine, 'text', {}).schema, { settle: settleStart });
      assert.deepEqual(state.readAddress(settingsAt(address)), []);
      return { state, address: addressOf(state.address.peek(), state) };
    };
    const start = `start=${pretrained}`;
    for (const bare of ['', 'room=text', '#room=text&hide=gate'])
      assert.equal(opened(bare).address, start, bare);
    assert.equal(opened(`room=text&${start}&learningRate=0.003`).address, `${start}&learningRate=0.003`);
    assert.equal(opened(`room=text&start=${nothing}`).address, `start=${nothing}`);
    // What links were before there was such a model.
    for (const old of ['router=smoe', 'tokens=pieces&seed=3'])
      assert.equal(opened(`room=text&${old}`).address, old);
    assert.equal(opened('room=text&at=20').state.peek('start'), nothing);
  });

  it('do not promise a pretrained model of other sizes', () => {
    const state = createState(stateOf(engine, 'text', {}).schema, { settle: settleStart });
    state.setAll(Object.entries(openingValues));
    assert.deepEqual(state.set('learningRate', 0.002), []);
    assert.equal(state.peek('start'), pretrained);
    assert.match(state.set('experts', 4).join(), /^The pretrained model has other settings/);
    assert.equal(state.peek('start'), nothing);
    state.undo();
    assert.deepEqual(
      [state.peek('start'), state.peek('experts')],
      [pretrained, 8],
      'one change, to undo as one',
    );
  });
});
