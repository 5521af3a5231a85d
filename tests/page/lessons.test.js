import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { signal } from '@preact/signals';
import { load } from 'hyperrouter-wasm';
import { planOf } from '../../demo/lessons/collapse/run.js';
import { collapseSettings, routers } from '../../demo/lessons/collapse/settings.js';
import { drawnAt, inputsOf, layer, spreadOf, tokensOf } from '../../demo/lessons/collapse/tokens.js';
import { hidingRule } from '../../demo/lessons/hide.js';
import { problemsOf } from '../../demo/lessons/hideable.js';
import { createLessons } from '../../demo/lessons/lessons.js';
import { lessons } from '../../demo/lessons/list.js';
import { wayTo } from '../../demo/lessons/pointer.js';
import { distancesOf, presentOf } from '../../demo/lessons/present.js';
import { createProgress } from '../../demo/lessons/progress.js';
import { mapViews } from '../../demo/plane/frame.js';
import { createShell } from '../../demo/shell.js';
import { createState } from '../../demo/state.js';
import { PlaneTrainer } from '../../demo/trainer/plane-trainer.js';
import { trained } from './node-runs.js';

/** @type {import('hyperrouter-wasm').Engine} */
let engine;
before(async () => {
  engine = await load({ variant: 'simd' });
});
after(() => engine.dispose());

/** @param {string} id */
const lessonOf = (id) =>
  /** @type {import('../../demo/lessons/list.js').Lesson} */ (lessons.find((one) => one.id === id));

/**
 * What a task sees of a run, trained without a browser.
 *
 * @param {string} id of the lesson
 * @param {import('../../demo/schema.js').Values} change to its settings
 * @param {number} steps
 * @param {{ evaluate?: boolean }} [options] evaluate: every k
 */
async function present(id, change, steps, { evaluate = false } = {}) {
  const { room, settings } = lessonOf(id);
  const { of: _, ...values } = { ...settings, ...change };
  const { state, trainer, frame } = await trained(engine, room === 'text' ? 'text' : 'plane', values, steps);
  /** @type {{ topK: number, loss: number }[]} */
  const lossByK = [];
  if (evaluate) await trainer.measure(new AbortController().signal, (point) => lossByK.push(point));
  const seen = {
    step: trainer.step,
    values: state.values.peek(),
    layers: frame.measures.at(-1)?.layers,
    accuracy: trainer instanceof PlaneTrainer ? accuracyOf(trainer, frame) : undefined,
    ...(evaluate ? { lossByK } : {}),
    distances: distancesOf(frame.moments),
  };
  trainer.dispose();
  return seen;
}

/** @param {PlaneTrainer} trainer @param {import('../../demo/trainer/trainer-protocol.js').Frame} frame */
function accuracyOf({ data }, { shape, buffer }) {
  const { predicted } = mapViews(/** @type {ArrayBuffer} */ (buffer), /** @type {any} */ (shape));
  const first = data.train.targets.length;
  const { targets } = data.heldOut;
  return targets.filter((target, i) => target === predicted[first + i]).length / targets.length;
}

/** Which parts of the task hold. @param {string} id @param {import('../../demo/lessons/list.js').Present} seen */
const held = (id, seen) =>
  lessonOf(id).task.checks.map(({ at, holds }) => {
    const value = at(seen);
    return value !== undefined && holds(value);
  });

/** Why the task is not reached. @param {string} id @param {import('../../demo/lessons/list.js').Present} seen */
const hintOf = (id, seen) => lessonOf(id).task.hints.find(({ when }) => when(seen))?.text ?? '';

/** @param {string} id @param {import('../../demo/lessons/list.js').Present} seen */
function reached(id, seen) {
  assert.ok(
    held(id, seen).every(Boolean),
    lessonOf(id)
      .task.checks.map(({ name, at }) => `${name} ${at(seen)}`)
      .join('; '),
  );
}

describe('every lesson', () => {
  it('has one right answer, a task, conclusions and notes, in short sentences', () => {
    assert.deepEqual(new Set(lessons.map(({ id }) => id)).size, lessons.length);
    for (const { id, question, task, conclude, notes, steps, intro } of lessons) {
      assert.equal(question.choices.filter(({ right }) => right).length, 1, id);
      assert.ok(question.choices.length >= 3 && task.checks.length && conclude.length && notes.length, id);
      assert.ok(steps.length >= 2 && steps.every(({ target }) => target.length), id);
      const hints = task.hints.map(({ text }) => text);
      for (const text of [intro, ...conclude, ...hints, ...steps.map((step) => step.text)]) {
        for (const sentence of text.split(/[.:?!;] /)) {
          assert.ok(sentence.split(' ').length <= 30, `${id}: ${sentence}`);
        }
      }
    }
  });

  it('top-k: is reached by training alone', async () => {
    assert.deepEqual(held('top-k', await present('top-k', {}, 0)), [true, false]);
    reached('top-k', await present('top-k', {}, 300));
  });

  it('starvation: experts starve, and both cures that it names reach the task', async () => {
    const starved = await present('starvation', {}, 400);
    const idle = starved.layers?.[0].load.filter((share) => share === 0).length ?? 0;
    assert.ok(idle >= 3 && idle <= 4, String(starved.layers?.[0].load));
    assert.deepEqual(held('starvation', starved), [true, false, true]);
    assert.match(hintOf('starvation', starved), /Try a cure/);
    reached('starvation', await present('starvation', { loadBalanceWeight: 0.1 }, 500));
    reached('starvation', await present('starvation', { gate: 'sigmoid', balanceRate: 0.02 }, 500));
  });

  it('one expert: R stays where it was, until another gate is chosen', async () => {
    for (const gate of ['topk-softmax', 'sigmoid']) {
      const still = await present('one-expert', { gate }, 60);
      // Adam makes steps even of what rounding leaves.
      assert.ok(Number(still.distances.R) < 0.001, `${gate}: ${still.distances.R}`);
      assert.deepEqual(held('one-expert', still), [true, false]);
      assert.match(hintOf('one-expert', still), /Choose another gate/);
    }
    for (const gate of ['softmax-topk', 'expert-choice', 'relu'])
      reached('one-expert', await present('one-expert', { gate }, 130));
  });

  it('expert choice: is even, leaves characters out, and a bias reaches the task', async () => {
    const chosen = await present('expert-choice', {}, 150);
    const layers = chosen.layers ?? [];
    assert.ok(layers.every(({ loadVariation }) => loadVariation < 0.02));
    assert.ok(layers.some(({ withoutExpert }) => withoutExpert > 0));
    assert.deepEqual(held('expert-choice', chosen), [true, true, false]);
    assert.match(hintOf('expert-choice', chosen), /Choose another gate/);
    assert.equal(
      held('expert-choice', await present('expert-choice', { gate: 'topk-softmax' }, 150))[1],
      false,
    );
    reached('expert-choice', await present('expert-choice', { gate: 'sigmoid', balanceRate: 0.02 }, 200));
  });

  it('k at inference: k = 3 is good enough, and fewer are not', async () => {
    const seen = await present('k-at-inference', {}, 600, { evaluate: true });
    const bits = seen.lossByK?.map(({ loss }) => loss / Math.LN2) ?? [];
    assert.ok(bits[0] > 1 && bits[1] > 1 && bits[2] < 0.1, String(bits));
    assert.equal(Math.min(...bits), bits[3]);
    assert.deepEqual(held('k-at-inference', seen), [true, true, false]);
    assert.match(hintOf('k-at-inference', seen), /^Now set/);
    assert.match(hintOf('k-at-inference', { ...seen, lossByK: undefined }), /Evaluate every k/);
    reached('k-at-inference', { ...seen, values: { ...seen.values, topK: 3 } });
  });

  it('HyperRouter: v moves', async () => {
    assert.deepEqual(held('hyperrouter', await present('hyperrouter', {}, 5)), [false]);
    reached('hyperrouter', await present('hyperrouter', {}, 200));
  });
});

describe('the collapse', () => {
  const usual = Object.fromEntries(collapseSettings.map(({ key, default: value }) => [key, value]));

  /** @param {string} router @param {number} seed */
  async function seen(router, seed) {
    const { data, config, learningRate } = planOf({ ...usual, seed }, router);
    const trainer = new PlaneTrainer(
      engine,
      engine.createClassifier(/** @type {any} */ (config)),
      data,
      learningRate,
    );
    for (let i = 0; i < 1000; i++) await trainer.advance();
    const { shape, buffer, measures } = trainer.frame(null, false);
    const picture = { shape, buffer: /** @type {ArrayBuffer} */ (buffer), step: trainer.step };
    const tokens = tokensOf(picture, trainer.inspect(layer));
    trainer.dispose();
    const similarity = Number(measures.at(-1)?.layers[layer].expertSimilarity);
    return { tokens, similarity };
  }

  it('happens with the settings that the room opens with, to standard top-k alone', async () => {
    const [standard, frozen, generated] = await Promise.all(
      routers.map((router) => seen(router, Number(usual.seed))),
    );
    assert.ok(standard.tokens.spread < 1.15, String(standard.tokens.spread));
    assert.ok(standard.similarity > 0.6, String(standard.similarity));
    for (const { tokens, similarity } of [frozen, generated]) {
      assert.ok(tokens.spread > 1.8, String(tokens.spread));
      assert.ok(similarity < 0.3, String(similarity));
    }
  });

  it('does not happen with every seed, so that the task can be reached', async () => {
    const { tokens } = await seen('smoe', 1);
    reached('collapse', { step: 1000, values: {}, spread: tokens.spread });
  });

  it('has the vectors that give the logits', () => {
    const R = Float32Array.of(1, 0, 2, 0, 1, -1, 3, 1, 0, -1, 2, 1);
    const b = Float32Array.of(0.5, 0, -1, 2);
    const x = Float32Array.of(0.25, -1, 2, 3, 0.5, -0.75);
    const logits = [0, 1].flatMap((n) =>
      [0, 1, 2, 3].map((e) => b[e] + [0, 1, 2].reduce((sum, i) => sum + R[3 * e + i] * x[3 * n + i], 0)),
    );
    inputsOf(logits, R, b).forEach((value, i) => {
      assert.ok(Math.abs(value - x[i]) < 1e-5, `${value} ${x[i]}`);
    });
  });

  it('measures a line as 1 and a circle as 2, and draws the plane of a layer norm without shortening', () => {
    const circle = Array.from({ length: 12 }, (_, i) => {
      const [c, s] = [Math.cos((i * Math.PI) / 6), Math.sin((i * Math.PI) / 6)];
      return [c / Math.SQRT2 + s / Math.sqrt(6), -c / Math.SQRT2 + s / Math.sqrt(6), (-2 * s) / Math.sqrt(6)];
    });
    assert.ok(Math.abs(spreadOf(Float32Array.from(circle.flat())) - 2) < 1e-4);
    for (const one of circle) assert.ok(Math.abs(Math.hypot(...drawnAt(one, 0)) - 1) < 1e-6);
    assert.ok(Math.abs(spreadOf(Float32Array.of(0, 0, 0, 1, 2, 3, 2, 4, 6)) - 1) < 1e-5);
  });
});

/** @type {import('../../demo/schema.js').Setting} */
const topK = {
  key: 'topK',
  type: 'integer',
  default: 2,
  min: 1,
  max: 4,
  control: 'range',
  group: 'main',
  effect: 'rebuild',
  label: 'k',
  help: '',
};

/** A shell with two rooms, and lessons in the second. */
async function school() {
  const states = [createState([topK]), createState([{ ...topK, key: 'seed' }])];
  const step = signal(0);
  const shell = createShell(
    states.map((state, i) => ({
      id: `room${i}`,
      title: '',
      summary: '',
      open: async () => ({
        states: [state],
        run: null,
        step: () => step.value,
        View: () => null,
        report: () => {},
      }),
    })),
  );
  await shell.readAddress('topK=3');
  /** @type {Map<string, string>} */
  const stored = new Map();
  const storage = {
    getItem: (/** @type {string} */ key) => stored.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void stored.set(key, value),
  };
  const lesson = {
    ...lessonOf('top-k'),
    id: 'one',
    room: 'room1',
    settings: { seed: 4 },
    task: {
      ask: '',
      checks: [
        {
          name: 'Step',
          want: 'at least 5',
          at: (/** @type {{ step: number }} */ now) => now.step,
          holds: (/** @type {number} */ value) => value >= 5,
          show: String,
        },
      ],
      hints: [{ when: (/** @type {{ step: number }} */ now) => now.step === 3, text: 'Two more.' }],
    },
  };
  const other = { ...lesson, id: 'two', room: 'room0', settings: { topK: 1 } };
  const lessons = createLessons({ shell, all: [lesson, other], progress: createProgress(storage) });
  return { shell, states, step, lessons, storage };
}

describe('the lessons', () => {
  it('sets up the run of a lesson, and brings settings and room back', async () => {
    const { shell, states, lessons } = await school();
    states[1].set('seed', 1);
    await lessons.begin('one');
    assert.equal(shell.id.value, 'room1');
    assert.equal(states[1].get('seed'), 4);
    assert.equal(shell.address.value, 'lesson=one');
    states[1].set('seed', 3);
    await lessons.end();
    assert.equal(states[1].get('seed'), 1);
    assert.equal(shell.id.value, 'room0');
    assert.equal(shell.address.value, 'topK=3');
    assert.equal(states[1].undoable.value.length, 1, 'what the reader could undo can still be undone');
  });

  it('goes on to the next lesson, and back to where the reader was', async () => {
    const { shell, states, lessons } = await school();
    await lessons.begin('one');
    await lessons.begin('two');
    assert.deepEqual([shell.id.value, states[0].get('topK'), states[1].get('seed')], ['room0', 1, 2]);
    await lessons.end();
    assert.deepEqual([shell.id.value, states[0].get('topK')], ['room0', 3]);
  });

  it('sees the task reached, and keeps that and the answer', async () => {
    const { step, lessons, storage } = await school();
    await lessons.begin('one');
    lessons.choose(1);
    step.value = 4;
    assert.deepEqual(lessons.checks.value, [{ name: 'Step', want: 'at least 5', now: '4', holds: false }]);
    assert.equal(lessons.done.value, false);
    assert.equal(lessons.hint.value, 'Paused. Press Start to train on.');
    step.value = 3;
    assert.equal(lessons.hint.value, 'Two more.');
    step.value = 0;
    assert.equal(lessons.hint.value, 'Not trained yet. Press Start.');
    step.value = 5;
    assert.equal(lessons.hint.value, '');
    assert.equal(lessons.done.value, true);
    step.value = 0;
    assert.equal(lessons.done.value, true, 'what was reached stays so');
    assert.deepEqual(createProgress(storage).all.value, { one: { answer: 1, done: true } });
  });

  it('looks at no model of other settings, which is there until that of the lesson is built', () => {
    const state = createState([topK]);
    const built = signal(/** @type {object | null} */ ({}));
    const run = {
      built,
      step: signal(700),
      measures: signal({ entries: [] }),
      moments: signal([]),
      measuring: signal(false),
      lossByK: signal(null),
      isBuiltWith: (/** @type {import('../../demo/schema.js').Values} */ { topK: k }) => k === 2,
    };
    const room = /** @type {import('../../demo/shell.js').Room} */ (
      /** @type {unknown} */ ({ states: [state], run })
    );
    state.set('topK', 2);
    assert.equal(presentOf(room).step, 700);
    state.set('topK', 3);
    assert.deepEqual(presentOf(room), { step: 0, values: state.values.value });
  });

  it('names the lessons that there are', async () => {
    const { lessons } = await school();
    await assert.rejects(lessons.begin('three'), /there is no lesson “three”; there are one, two/);
  });

  it('starts anew where the storage holds something else, or nothing', () => {
    const of = (/** @type {string | null} */ value) =>
      createProgress({ getItem: () => value, setItem: () => {} }).all.value;
    for (const value of [null, '', '5', '[]', '{"a":3}', '{"a":null}'])
      assert.deepEqual(of(value), {}, String(value));
    assert.deepEqual(of('{"a":{"answer":1.5,"done":"yes"}}'), { a: { done: false } });
    assert.deepEqual(createProgress(undefined).all.value, {});
  });

  it('undoes at once, as a way back', () => {
    const state = createState([topK, { ...topK, key: 'seed' }]);
    /** @type {boolean[]} */
    const back = [];
    state.values.subscribe(() => back.push(state.isGoingBack()));
    state.set('topK', 3);
    state.set('seed', 3);
    state.set('topK', 4);
    back.length = 0;
    state.undoTo(1);
    assert.deepEqual([state.get('topK'), state.get('seed')], [3, 2]);
    assert.deepEqual(back, [true], 'those who follow the settings are told once');
    assert.equal(state.isGoingBack(), false);
  });
});

describe('a link', () => {
  it('hides the controls that it names, and nothing else', () => {
    assert.equal(
      hidingRule('gate,data,time'),
      '[data-setting="gate"], [data-setting="data"], .scrubber { display: none !important; }',
    );
    assert.equal(hidingRule(''), '');
    assert.equal(
      hidingRule('"] , body,}{,toString'),
      '[data-setting="body"], [data-setting="toString"] { display: none !important; }',
    );
  });

  it('that names what there is not is told which names there are', () => {
    assert.deepEqual(problemsOf('', []), []);
    assert.deepEqual(problemsOf('gate, data,time,drawers', []), []);
    assert.deepEqual(problemsOf('prompt,gateLayer,steps', []), [], 'they are in other rooms');
    const [told, ...more] = problemsOf('gaet,data,painted,a]b', []);
    assert.deepEqual(more, []);
    assert.equal(
      told,
      'The link hides “gaet” and “painted” and “a]b”, which the page does not have. It can hide settings, by their ' +
        'keys in the address (router, gate, topK …), and article, drawers, examples, files, rooms, share, time, and undo.',
    );
  });

  it('keeps what it hides, in every room', async () => {
    const { shell } = await school();
    await shell.readAddress('topK=1&hide=gate,data');
    assert.equal(shell.address.value, 'topK=1&hide=gate,data');
    await shell.go('room1');
    assert.equal(shell.address.value, 'room=room1&hide=gate,data');
    await shell.readAddress('');
    assert.equal(shell.address.value, '');
  });
});

describe('what a step shows', () => {
  it('is scrolled between what covers the edges, and not at all if it is in sight', () => {
    const free = { top: 100, bottom: 500 };
    assert.equal(wayTo({ top: 120, height: 300 }, free), 0);
    assert.equal(wayTo({ top: 700, height: 200 }, free), 500);
    assert.equal(wayTo({ top: 700, height: 900 }, free), 600, 'what is larger begins at the upper edge');
    assert.equal(wayTo({ top: -50, height: 100 }, free), -300);
  });
});
