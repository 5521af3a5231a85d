import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { signal } from '@preact/signals';
import { countsOf, countsOfTensors, gradientReaches } from '../../demo/inside/counts.js';
import { number } from '../../demo/inside/heat.js';
import { createInspector, inspectionAt } from '../../demo/inside/inspection.js';
import { directions, pathOf, reachOf } from '../../demo/inside/path.js';
import {
  distance,
  dot,
  effectOf,
  matrix,
  norm,
  routerParts,
  rowSimilarity,
  withBias,
} from '../../demo/inside/router.js';
import { cosineRows, effectRows, trajectoryRows, weightRows } from '../../demo/inside/rows.js';
import { trajectoryOf } from '../../demo/inside/trajectory.js';
import { load } from '../../web/index.js';

/** @type {import('../../web/index.js').Engine} */
let engine;
before(async () => {
  engine = await load({ variant: 'simd' });
});
after(() => engine.dispose());

/** @typedef {'hyperrouter' | 'smoe' | 'smoe-dropout' | 'dense'} Router */

const routers = /** @type {const} */ (['hyperrouter', 'smoe', 'smoe-dropout']);
const gates = ['topk-softmax', 'softmax-topk', 'sigmoid', 'expert-choice', 'relu'];
const sizes = { layers: 1, dModel: 6, dInner: 4, experts: 5, topK: 2, hyperSize: 7 };
const inputs = Float32Array.from([0.5, -1, 2, 0.25, -0.75, 1.5, 1, 1]);
const targets = Int32Array.from([0, 1, 1, 0]);

/** @param {Router} router @param {object} [more] */
function classifier(router, more = {}) {
  const config = { inputSize: 2, classes: 2, ...sizes, router, batchSize: 4, seed: 3, ...more };
  const model = engine.createClassifier(config);
  return {
    model,
    /** @param {number} steps */
    train(steps) {
      for (let i = 0; i < steps; i++) model.trainStep({ inputs, targets, learningRate: 0.05 });
    },
    /** As the worker gives them. @returns {import('../../demo/trainer/trainer-protocol.js').Tensor[]} */
    tensors: () =>
      model
        .parameters()
        .filter(({ name }) => name.includes('.gate.'))
        .map((tensor) => ({
          ...tensor,
          name: tensor.name.slice(tensor.name.indexOf('gate.')),
          shape: [...tensor.shape],
        })),
    /** @param {string} name */
    tensor: (name) =>
      model.parameters().find((parameter) => parameter.name === name)?.data ?? new Float32Array(),
  };
}

/** @param {ReturnType<typeof classifier>} of */
function partsOf({ tensors }) {
  const parts = routerParts(tensors(), sizes.experts);
  assert.ok(parts?.scores);
  return { ...parts, scores: parts.scores };
}

/** @param {Router} router */
const traitsOf = (router) => engine.routers.find(({ name }) => name === router)?.traits ?? [];
/** @param {string} [gate] */
const gateTraits = (gate) => {
  const { options = [] } = engine.configFields('classifier').find(({ name }) => name === 'gate') ?? {};
  return options.find(({ name }) => name === gate)?.traits ?? options[0].traits;
};

/**
 * What the router of the first layer is given: the input layer's output.
 *
 * @param {ReturnType<typeof classifier>} of
 */
function tokensOf({ tensor }) {
  const [weight, bias] = [tensor('input.weight'), tensor('input.bias')];
  return Array.from({ length: 4 }, (_, token) =>
    Array.from(
      bias,
      (b, i) => weight[2 * i] * inputs[2 * token] + weight[2 * i + 1] * inputs[2 * token + 1] + b,
    ),
  );
}

describe('the parts of a router', () => {
  for (const kind of routers) {
    it(`give the scores of the engine, ${kind}`, () => {
      const of = classifier(kind);
      of.train(5);
      of.model.gradients({ inputs, targets });
      const [{ logits }] = of.model.routing();
      const parts = partsOf(of);
      const role = { hyperrouter: 'computed', smoe: 'learned', 'smoe-dropout': 'frozen' }[kind];
      assert.deepEqual(parts.roles, { weight: role, bias: role });
      assert.equal(parts.generator !== null, kind === 'hyperrouter');
      tokensOf(of).forEach((x, token) => {
        for (let expert = 0; expert < sizes.experts; expert++) {
          const row = parts.scores.weight.data.subarray(expert * sizes.dModel, (expert + 1) * sizes.dModel);
          const score = dot(row, x) + parts.scores.bias.data[expert];
          assert.ok(Math.abs(score - logits[token * sizes.experts + expert]) < 1e-5);
        }
      });
      of.model.dispose();
    });

    it(`have a gradient where the diagram says that it flows, ${kind}`, () => {
      /** @type {{ gate?: string, loadBalanceWeight: number }[]} */
      const configs = [
        ...gates.map((gate) => ({ gate, loadBalanceWeight: 0 })),
        ...(kind === 'smoe' ? [{ gate: 'sigmoid', loadBalanceWeight: 0.1 }] : []),
      ];
      for (const config of configs) {
        const of = classifier(kind, config);
        assert.equal(partsOf(of).gradient, null, 'there is none before the first step');
        for (const topK of [1, 2, 5]) {
          of.model.topK = topK;
          of.model.gradients({ inputs, targets });
          const flows = gradientReaches([...traitsOf(kind), ...gateTraits(config.gate)], config, topK);
          assert.equal(partsOf(of).gradient !== null, flows, `k ${topK}, ${JSON.stringify(config)}`);
        }
        of.model.dispose();
      }
    });
  }

  it('are its tensors, for a router that the page does not know', () => {
    const tensor = (/** @type {string} */ name, /** @type {number[]} */ shape, trainable = true, at = 0) => {
      const length = shape.reduce((product, n) => product * n, 1);
      const data = Float32Array.from({ length }, (_, i) => i + at);
      return { name, shape, trainable, data, grad: trainable ? data.map((x) => x + 1) : null };
    };
    const [weight, bias] = [tensor('gate.gate.weight', [5, 6], false), tensor('gate.gate.bias', [5])];
    const parts = routerParts([weight, bias], 5);
    assert.deepEqual(parts?.roles, { weight: 'frozen', bias: 'learned' });
    assert.equal(parts?.gradient?.of, 'b');
    assert.deepEqual(parts?.gradient?.values.data, bias.grad);
    assert.deepEqual(countsOfTensors(sizes, ['routes', 'learns'], [weight, bias]), {
      ...countsOf(sizes, ['routes']),
      weightsAre: 'partly learned',
      learned: 5,
    });
    // At a moment that is kept it has what it had learned by then.
    const inspection = /** @type {any} */ ({ parts, step: 9, layer: 1, sizes: { ...sizes, layers: 2 } });
    const then = tensor('gate.gate.bias', [5], true, 7).data;
    /** @type {import('../../demo/trainer/trainer-protocol.js').Moment} */
    const moment = {
      step: 3,
      shape: {},
      buffer: new ArrayBuffer(0),
      routers: [{}, { 'gate.gate.bias': then }],
    };
    assert.deepEqual(inspectionAt(inspection, moment).parts?.scores?.bias.data, then);
    assert.deepEqual(inspectionAt(inspection, moment).parts?.scores?.weight.data, weight.data);
    assert.equal(trajectoryOf(inspection, [moment]).length, 2);

    const other = routerParts([tensor('gate.prototypes', [9, 2])], 5);
    assert.ok(other && other.scores === null && other.generator === null && other.gradient === null);
    assert.deepEqual(
      trajectoryOf({ ...inspection, parts: other }, [moment]),
      [],
      'there is no R that could move',
    );
    assert.equal(
      inspectionAt({ ...inspection, parts: other }, moment).parts?.tensors[0].name,
      'gate.prototypes',
    );
  });

  it('have the bias that balances apart: it is no tensor of the router', () => {
    const of = classifier('smoe', { balanceRate: 0.1 });
    of.train(3);
    const parts = partsOf(of);
    assert.equal(parts.bias?.length, sizes.experts);
    assert.ok(Array.from(parts.bias ?? []).some((value) => Math.abs(value) > 0.09));
    assert.deepEqual(
      parts.tensors.map(({ name }) => name),
      ['gate.gate.weight', 'gate.gate.bias'],
    );
    /** @type {any} */
    const inspection = { parts, step: 2, layer: 0, sizes: { ...sizes, layers: 1 } };
    const moment = {
      step: 1,
      shape: { biases: [[1, 2, 3, 4, 5]] },
      buffer: new ArrayBuffer(0),
      routers: [{}],
    };
    assert.deepEqual(inspectionAt(inspection, moment).parts?.bias, [1, 2, 3, 4, 5]);
    assert.equal(partsOf(classifier('smoe')).bias, undefined);
    of.model.dispose();
  });

  it('are none for a dense layer', () => {
    const of = classifier('dense');
    assert.equal(routerParts(of.tensors(), sizes.experts), null);
    of.model.dispose();
  });

  it('change with a component of v as its effect predicts', () => {
    const of = classifier('hyperrouter');
    const parts = partsOf(of);
    assert.ok(parts.generator);
    const v = Float32Array.from(parts.generator.embedding.data);
    const step = 2 ** -10;
    for (let index = 0; index < sizes.dModel; index++) {
      const effect = effectOf(parts.generator, index, sizes.experts);
      const moved = v.map((x, i) => (i === index ? x + step : x));
      of.model.setParameter('layers.0.pos_ff.gate.embedding', moved);
      const [before, after] = [withBias(parts.scores), withBias(partsOf(of).scores)];
      assert.ok(norm(effect.data) > 0);
      const most = Math.max(...effect.data.map(Math.abs));
      effect.data.forEach((x, i) => {
        assert.ok(Math.abs((after.data[i] - before.data[i]) / step - x) < 0.02 * most);
      });
    }
    of.model.dispose();
  });

  it('are counted as the engine counts them', () => {
    for (const router of /** @type {const} */ ([...routers, 'dense'])) {
      const of = classifier(router);
      const all = of.model.parameters();
      const numbers = (/** @type {typeof all} */ list) =>
        list.reduce((sum, { data }) => sum + data.length, 0);
      const gate = all.filter(({ name }) => name.includes('.gate.'));
      const network = all.filter(({ name }) => /experts|CoreNet/.test(name));
      const { embedding, hypernetwork, weights, weightsAre, learned, experts } = countsOf(
        sizes,
        traitsOf(router),
      );
      assert.equal(numbers(gate), embedding + hypernetwork + (weightsAre === 'computed' ? 0 : weights));
      assert.equal(numbers(gate.filter(({ trainable }) => trainable)), learned);
      assert.equal(numbers(network), experts);
      const told = countsOfTensors(sizes, traitsOf(router), of.tensors());
      assert.deepEqual([told.weights, told.learned, told.experts], [numbers(gate), learned, experts]);
      assert.ok(network.every(({ trainable }) => trainable));
      of.model.dispose();
    }
  });
});

/**
 * A run that trains in this thread, as far as looks need it.
 *
 * @param {Router} router
 */
function runOf(router) {
  const of = classifier(router);
  const { model } = of;
  const config = { ...model.config };
  const moments = /** @type {import('../../demo/trainer/trainer-protocol.js').Moment[]} */ ([]);
  const run = {
    summary: signal(/** @type {any} */ ({ config })),
    step: signal(0),
    looks: 0,
    inspect: async () => {
      run.looks++;
      return { step: model.step, router, tensors: of.tensors() };
    },
    report: (/** @type {unknown} */ error) => assert.fail(String(error)),
  };
  /** As the worker keeps them. */
  function keep() {
    const learned = of.tensors().filter(({ trainable }) => trainable);
    const routers = [Object.fromEntries(learned.map(({ name, data }) => [name, data]))];
    moments.push({ step: model.step, shape: {}, buffer: new ArrayBuffer(0), routers });
  }
  keep();
  return {
    ...of,
    run: /** @type {any} */ (run),
    moments,
    /** @param {number} steps */
    train(steps) {
      of.train(steps);
      keep();
      run.step.value = model.step;
    },
  };
}

const soon = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {() => boolean} ready */
async function until(ready) {
  for (const end = Date.now() + 60_000; !ready(); await soon()) assert.ok(Date.now() < end, 'in time');
}

describe('inspection of a run', () => {
  it('follows it, one request at a time and not too often, and keeps frozen tensors', async () => {
    const { run, train, model } = runOf('hyperrouter');
    const { inspection, follow } = createInspector({ run, layer: signal(0), pause: 40 });
    const stop = follow();
    await until(() => inspection.value !== null);
    const first = inspection.value;
    const began = performance.now();
    for (let i = 0; i < 20; i++) {
      train(1);
      await soon(2);
    }
    await until(() => inspection.value?.step === 20);
    assert.ok(run.looks <= 2 + (performance.now() - began) / 40, `${run.looks} looks`);
    assert.notEqual(inspection.value, first);
    assert.ok(first?.parts?.generator && inspection.value?.parts?.generator);
    assert.equal(inspection.value.parts.generator.hypernetwork, first.parts.generator.hypernetwork);
    assert.ok(
      distance(inspection.value.parts.generator.embedding.data, first.parts.generator.embedding.data) > 0,
    );
    stop();
    const { looks } = run;
    train(1);
    await soon(80);
    assert.equal(run.looks, looks, 'nobody looks any more');
    model.dispose();
  });

  it('ignores other models than the run’s', async () => {
    const { run, model, train } = runOf('smoe');
    run.summary.value = { config: { ...model.config, router: 'hyperrouter' } };
    const { inspection, follow } = createInspector({ run, layer: signal(0), pause: 1 });
    const stop = follow();
    await soon(30);
    assert.ok(!inspection.peek());
    run.summary.value = { config: { ...model.config } };
    await until(() => inspection.value !== null);
    train(1);
    await until(() => inspection.peek()?.step === 1);
    assert.equal(inspection.peek()?.parts?.roles.weight, 'learned');
    stop();
    model.dispose();
  });
});

describe('a router over time', () => {
  for (const kind of routers) {
    it(`is shown at each moment as it was then, ${kind}`, async () => {
      const of = runOf(kind);
      const then = [partsOf(of)];
      for (const steps of [1, 4]) {
        of.train(steps);
        then.push(partsOf(of));
      }
      const { inspection, follow } = createInspector({ run: of.run, layer: signal(0), pause: 1 });
      const stop = follow();
      await until(() => inspection.value !== null);
      stop();
      const now = /** @type {import('../../demo/inside/inspection.js').Inspection} */ (inspection.value);
      then.forEach(({ scores: { weight, bias } }, i) => {
        const shown = inspectionAt(now, of.moments[i]);
        assert.equal(shown.step, of.moments[i].step);
        assert.deepEqual(shown.parts?.scores?.weight.data, weight.data);
        assert.deepEqual(shown.parts?.scores?.bias.data, bias.data);
        assert.equal(shown.parts?.gradient, null);
      });
      assert.equal(inspectionAt(now, undefined), now);

      const trajectory = trajectoryOf(now, of.moments);
      assert.deepEqual(
        trajectory.map(({ step }) => step),
        [0, 1, 5],
      );
      const moved = distance(then[2].scores.weight.data, then[0].scores.weight.data);
      assert.equal(trajectory[2].drift, moved);
      assert.equal(moved > 0, kind !== 'smoe-dropout');
      assert.equal(trajectory[1].similarity, rowSimilarity(then[1].scores.weight).mean);
      const v = then.map(({ generator }) => generator?.embedding.data);
      if (v[0] && v[1] && v[2]) {
        assert.equal(trajectory[2].embeddingDistance, distance(v[2], v[0]));
        const length = distance(v[1], v[0]) + distance(v[2], v[1]);
        assert.ok(Math.abs(trajectory[2].embeddingPath - length) < 1e-12);
      } else {
        assert.ok(
          trajectory.every(({ embedding, embeddingPath }) => embedding === null && embeddingPath === 0),
        );
      }
      of.model.dispose();
    });
  }
});

describe('similarity of rows', () => {
  it('is the cosine below the diagonal, and its mean that of all pairs', () => {
    const { cosines, mean } = rowSimilarity(matrix(Float32Array.from([1, 0, 2, 0, 0, 3]), 3));
    const none = Number.NaN;
    assert.deepEqual([...cosines.data], [none, none, none, 1, none, none, 0, 0, none]);
    assert.ok(mean !== null && Math.abs(mean - 1 / 3) < 1e-7);
    assert.equal(rowSimilarity(matrix(Float32Array.of(1, 0), 1)).mean, null);
  });
});

describe('the path of a vector', () => {
  it('is projected onto two fixed orthogonal directions', () => {
    const [first, second] = directions(16);
    assert.ok(Math.abs(norm(first) - 1) < 1e-6 && Math.abs(norm(second) - 1) < 1e-6);
    assert.ok(Math.abs(dot(first, second)) < 1e-6);
    assert.deepEqual(directions(16)[0], first);
  });

  it('starts in the centre', () => {
    const start = Float32Array.from({ length: 8 }, (_, i) => i);
    const [first, second] = directions(8);
    const path = pathOf([start, start.map((x, i) => x + 3 * first[i] - second[i])]);
    assert.deepEqual(path[0], { x: 0, y: 0 });
    assert.ok(Math.abs(path[1].x - 3) < 1e-5 && Math.abs(path[1].y + 1) < 1e-5);
    assert.deepEqual(pathOf([]), []);
  });

  it('fits a frame that changes only by doubling', () => {
    assert.equal(reachOf([0.3, -0.6]), 1);
    assert.equal(reachOf([0.3, -1.1]), 2);
    assert.equal(reachOf([]), 2 ** -10);
  });
});

describe('tables for files', () => {
  it('have all values with all digits', () => {
    const of = classifier('hyperrouter');
    const parts = partsOf(of);
    assert.ok(parts.generator);
    const { generator } = parts;
    const { weight, bias } = parts.scores;
    const rows = weightRows(parts.scores, generator);
    assert.deepEqual(rows[0], ['column', 'v', 'R A', 'R B', 'R C', 'R D', 'R E']);
    assert.deepEqual(rows[2].slice(0, 3), [2, generator.embedding.data[1], weight.data[1]]);
    assert.equal(rows[2][4], weight.data[2 * sizes.dModel + 1], 'number 2 of expert C');
    assert.deepEqual(rows.at(-1), ['b', '', ...bias.data]);
    assert.equal(rows.length, sizes.dModel + 2);

    const effect = effectOf(generator, 0, sizes.experts);
    assert.deepEqual(effectRows(effect)[1].slice(0, 2), [1, effect.data[0]]);
    assert.equal(effectRows(effect).at(-1)?.[5], effect.data.at(-1));

    const { cosines, mean } = rowSimilarity(weight);
    const [, ...lines] = cosineRows(cosines);
    const pairs = lines.flatMap((line) => line.slice(1)).map(Number);
    assert.equal(pairs.length, 10);
    assert.ok(Math.abs(pairs.reduce((sum, x) => sum + x, 0) / 10 - Number(mean)) < 1e-6);

    const stop = {
      step: 3,
      drift: 0.5,
      similarity: 0.25,
      embedding: null,
      embeddingDistance: 0,
      embeddingPath: 0,
    };
    assert.deepEqual(trajectoryRows([{ ...stop, weight }])[1], [3, 0.5, 0.25, null, null]);
    of.model.dispose();
  });
});
