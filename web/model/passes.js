/** Passes of the engine over what is in the buffers of a model: an evaluation, gradients, a step of training. */
import { Status } from '../core.js';
import { DivergedError } from '../errors.js';
import { steppedViews } from './tensors.js';

/** @import { ModelHandle } from './handle.js' */

/**
 * Sizes of a pass, which agree with the contents of the model's buffers.
 * @typedef {{ batch: number, length: number, carryMemory: boolean }} Pass
 */

/**
 * How a step is taken; `head`: the learning rate of the head, if it has one of its own.
 * @typedef {{ rate: number, head: number | undefined, clip: number }} StepRates
 */

/** Of the rate by epsilon, by which moments are multiplied: far above what trains, and far below what overflows. */
const HARMLESS_RATE = 1e20;

/** @param {ModelHandle} model */
const stepOf = ({ core, address }) => core.call('model_step', address);

/**
 * @param {ModelHandle} model
 * @param {'evaluate' | 'gradients' | 'train_step'} name
 * @param {Pass} pass
 * @param {...number} more of a step: learning rate and clip
 */
export function runPass(model, name, pass, ...more) {
  const { status, loss, auxiliaryLoss, gradNorm } = run(model, name, pass, more);
  if (status === Status.DIVERGED) {
    refuseDiverged(model, Number.isFinite(loss) ? `the gradient is ${gradNorm}` : `the loss is ${loss}`);
  }
  // Arguments were checked before: this would be a bug of the package.
  if (status !== Status.OK) throw new Error(`the engine refused ${name} with status ${status}`);
  return { loss, gradNorm, auxiliaryLoss };
}

/**
 * With a custom router, gradients are taken in two halves.
 * @param {ModelHandle} model
 * @param {'evaluate' | 'gradients' | 'train_step'} name
 * @param {Pass} pass
 * @param {number[]} more
 */
function run(model, name, pass, more) {
  const { core, address, router } = model;
  router?.refresh();
  if (!router || name === 'evaluate') return core.run(name, address, pass, ...more);
  const begun = core.run('backward', address, pass);
  if (begun.status !== Status.OK) return begun;
  router.backward();
  const half = name === 'gradients' ? 'finish_gradients' : 'finish_step';
  const result = core.finish(half, model.address, ...more);
  if (name === 'train_step') router.invalidate();
  return result;
}

/**
 * @param {ModelHandle} model
 * @param {string} what
 * @returns {never}
 */
function refuseDiverged(model, what) {
  const step = stepOf(model);
  throw new DivergedError(
    `${what} at step ${step + 1}; the parameters are those after step ${step}. A lower learningRate, warm-up or ` +
      'clipping may help',
    step + 1,
  );
}

/**
 * A step of training, after which the parameters are finite, or as they were.
 * @param {ModelHandle} model
 * @param {Pass} pass
 * @param {StepRates} rates
 * @param {() => () => void} keepContext copies what else a step changes, and gives what puts it back
 */
export function takeStep(model, pass, { rate, head, clip }, keepContext) {
  const restore = mayOverflow(model, Math.max(rate, head ?? 0)) ? snapshot(model, keepContext) : undefined;
  const result =
    head === undefined
      ? runPass(model, 'train_step', pass, rate, clip)
      : stepWithHead(model, pass, rate, head, clip);
  if (restore && !steppedViews(model).every((floats) => floats.every(Number.isFinite))) {
    restore();
    refuseDiverged(model, 'the parameters are not finite');
  }
  return result;
}

/**
 * A step whose head has a learning rate of its own; a body whose rate is 0 stays as it is, and takes no gradient.
 * @param {ModelHandle} model
 * @param {Pass} pass
 * @param {number} body learning rate
 * @param {number} head learning rate
 * @param {number} clip
 */
function stepWithHead(model, pass, body, head, clip) {
  const { core, address } = model;
  core.call('model_set_head_rate', address, head);
  core.call('model_set_head_only', address, Number(body === 0));
  try {
    return runPass(model, 'train_step', pass, body, clip);
  } finally {
    if (model.usable) {
      core.call('model_set_head_rate', address, -1);
      core.call('model_set_head_only', address, 0);
    }
  }
}

/**
 * Whether a step of this rate could leave parameters that are not finite: Adam divides it by a correction, which is
 * near 0 in the first steps if beta1 is near 1, and by at least epsilon; a weight decay above 2 makes parameters grow
 * that it should shrink, also those that no loss depends on.
 * @param {ModelHandle} model
 * @param {number} learningRate
 */
function mayOverflow(model, learningRate) {
  const { beta1, epsilon, weightDecay } = model.config;
  const rate = learningRate / (1 - beta1 ** (stepOf(model) + 1)) / epsilon;
  return rate > HARMLESS_RATE || learningRate * weightDecay > 2;
}

/**
 * Copies all that a step changes.
 * @param {ModelHandle} model
 * @param {() => () => void} keepContext
 * @returns {() => void} puts it back
 */
function snapshot(model, keepContext) {
  const sparsityWeight = model.core.call('model_sparsity_weight', model.address);
  const state = { step: stepOf(model), sparsityWeight };
  const copies = steppedViews(model).map((floats) => floats.slice());
  const restoreContext = keepContext();
  return () => {
    steppedViews(model).forEach((floats, index) => {
      floats.set(copies[index]);
    });
    resumeFrom(model, state);
    restoreContext();
  };
}

/**
 * Says that the tensors are those of an earlier state, and sets what else a step depends on.
 * @param {ModelHandle} model
 * @param {{ step: number, sparsityWeight: number | undefined }} state undefined: as it is
 */
export function resumeFrom(model, { step, sparsityWeight }) {
  const { core, address, config } = model;
  model.invalidate();
  core.call('model_set_step', address, step);
  if (sparsityWeight !== undefined && config.sparsityWeight > 0)
    core.call('model_set_sparsity_weight', address, sparsityWeight);
}
