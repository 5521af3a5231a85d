import { load } from 'hyperrouter-wasm';
import { packRouting } from '../text/frame.js';
import { CurveTrainer, openCurveModel } from './curve-trainer.js';
import { openPlaneModel, PlaneTrainer } from './plane-trainer.js';
import { createTextModel, openTextModel } from './text-model.js';
import { TextTrainer } from './text-trainer.js';
import { checkRequest, packError } from './trainer-protocol.js';

/**
 * The worker's loop: it trains for about 10 ms, then handles messages. Requests are served in order, between two steps;
 * only `pause` and `cancel` take effect at once.
 *
 * @typedef {import('./trainer-protocol.js').Request} Request
 * @typedef {import('./trainer-protocol.js').Requests} Requests
 * @typedef {import('./trainer-protocol.js').Written} Written
 * @typedef {import('./trainer.js').Engine} Engine
 * @typedef {TextTrainer | PlaneTrainer | CurveTrainer} AnyTrainer
 *
 * @typedef {object} Goal a training request in progress
 * @property {number} id of the request
 * @property {number} step
 *
 * @typedef {object} Generation a generation request in progress
 * @property {number} id of the request
 * @property {Iterator<{ token: number, routing: import('../routing.js').LayerRouting[] }>} tokens
 */

const sliceMs = 10;
/** Milliseconds. Models that are compared wait for each other between two requests; a longer time is a rest. */
const rest = 1000;

/**
 * What can be trained.
 *
 * @type {Record<string, {
 *   create: (engine: Engine, config: any, data: any, start?: Uint8Array) => any,
 *   open: (engine: Engine, bytes: Uint8Array, missing?: any) => any,
 *   Trainer: new (engine: Engine, model: any, data: any, learningRate: number) => AnyTrainer,
 * }>}
 */
const tasks = {
  text: {
    create: createTextModel,
    open: openTextModel,
    Trainer: TextTrainer,
  },
  plane: {
    create: (from, config) => from.createClassifier(config),
    open: openPlaneModel,
    Trainer: PlaneTrainer,
  },
  curve: {
    create: (from, config) => from.createRegressor(config),
    open: openCurveModel,
    Trainer: CurveTrainer,
  },
};

/** @type {Engine | undefined} */
let engine;
/** @type {AnyTrainer | undefined} */
let trainer;
/** Minimum milliseconds between two steps. */
let interval = 0;
let nextStepAt = 0;
/** When the last training request ended. */
let endedAt = Number.NEGATIVE_INFINITY;
/** @type {ReturnType<typeof setTimeout> | undefined} for the next step */
let timer;
/** @type {Goal | undefined} */
let goal;
/** @type {Generation | undefined} */
let generation;
/** @type {{ id: number, abort: AbortController } | undefined} */
let measuring;
/** @type {Request[]} */
const queue = [];
let turning = false;

// A message port, because browsers clamp nested timers to 4 ms.
const { port1, port2 } = new MessageChannel();
port1.onmessage = turn;

/** @type {{ postMessage: (message: unknown, transfer?: Transferable[]) => void }} */
const page = /** @type {any} */ (globalThis);

globalThis.addEventListener('message', (/** @type {MessageEvent} */ { data }) => {
  try {
    const request = checkRequest(data);
    if (request.type === 'pause') pause(request.id);
    else if (request.type === 'cancel') cancel(request.id, request.body.id);
    else queue.push(request);
  } catch (error) {
    fail(Number(data?.id), error);
  }
  wake();
});

function wake() {
  if (turning || !(queue.length || goal || generation)) return;
  turning = true;
  port2.postMessage(null);
}

async function turn() {
  for (let request = queue.shift(); request; request = queue.shift()) {
    try {
      await serve(request);
    } catch (error) {
      fail(request.id, error);
    }
  }
  if (generation) generate(generation);
  else if (goal) await train(goal);
  turning = false;
  clearTimeout(timer);
  const wait = goal && !queue.length && !generation ? nextStepAt - performance.now() : 0;
  if (wait > 0) timer = setTimeout(wake, wait);
  else wake();
}

/**
 * @param {number} id
 * @param {unknown} body
 * @param {Transferable[]} [transfer]
 */
function done(id, body, transfer = []) {
  page.postMessage({ id, kind: 'result', body }, transfer);
}

/**
 * @param {number} id
 * @param {unknown} error
 */
function fail(id, error) {
  page.postMessage({ id, kind: 'error', error: packError(error) });
}

/** @param {Goal} current */
async function train(current) {
  const until = performance.now() + sliceMs;
  try {
    while (goal === current && currentTrainer().step < current.step && performance.now() < until) {
      if (performance.now() < nextStepAt) break;
      nextStepAt = performance.now() + interval;
      await currentTrainer().advance();
    }
  } catch (error) {
    if (goal === current) goal = undefined;
    fail(current.id, error);
    return;
  }
  if (goal === current && currentTrainer().step >= current.step) endRun('reached');
}

/** @param {'reached' | 'paused'} reason */
function endRun(reason) {
  if (!goal) return;
  done(goal.id, { step: currentTrainer().step, reason });
  goal = undefined;
  endedAt = performance.now();
}

/** @param {number} id */
function pause(id) {
  endRun('paused');
  // Queued training requests end before they start.
  for (let i = queue.length - 1; i >= 0; i--) {
    if (queue[i].type !== 'runTo') continue;
    const [run] = queue.splice(i, 1);
    done(run.id, { step: trainer?.step ?? 0, reason: 'paused' });
  }
  done(id, { step: trainer?.step ?? 0 });
}

/**
 * @param {number} id
 * @param {number} target the request to cancel
 */
function cancel(id, target) {
  if (generation?.id === target) endGeneration('cancelled');
  if (measuring?.id === target) measuring.abort.abort();
  const waiting = queue.findIndex((request) => request.id === target);
  if (waiting >= 0) {
    queue.splice(waiting, 1);
    done(target, { reason: 'cancelled' });
  }
  done(id, {});
}

/** @param {'done' | 'cancelled'} reason */
function endGeneration(reason) {
  if (!generation) return;
  const { id, tokens } = generation;
  generation = undefined;
  tokens.return?.();
  done(id, { reason });
}

/** @param {Generation} current */
function generate(current) {
  const until = performance.now() + sliceMs;
  /** @type {{ token: number, routing: import('../routing.js').LayerRouting[] }[]} */
  const written = [];
  try {
    let next = current.tokens.next();
    for (; !next.done; next = current.tokens.next()) {
      written.push(next.value);
      if (performance.now() >= until) break;
    }
    if (written.length) {
      const part = pack(written);
      page.postMessage({ id: current.id, kind: 'part', body: part }, [part.buffer]);
    }
    if (next.done) endGeneration('done');
  } catch (error) {
    generation = undefined;
    fail(current.id, error);
  }
}

/**
 * @param {{ token: number, routing: import('../routing.js').LayerRouting[] }[]} written
 * @returns {Written}
 */
const pack = (written) => ({
  tokens: Int32Array.from(written, ({ token }) => token),
  ...packRouting(written),
});

/** @param {Request} request */
async function serve({ id, type, body }) {
  switch (type) {
    case 'open': {
      engine = await openEngine(body.threads ?? 1);
      const { info, routers } = engine;
      const fields = {
        language: engine.configFields('language'),
        classifier: engine.configFields('classifier'),
      };
      return done(id, { info, fields, routers });
    }
    case 'build': {
      const { create } = taskOf(body.task);
      replaceTrainer(body, () =>
        create(requireEngine(), body.config, body.data ?? currentTrainer().data, body.start),
      );
      return done(id, currentTrainer().summary());
    }
    case 'restore': {
      const { open } = taskOf(body.task);
      replaceTrainer(body, () => open(requireEngine(), body.bytes, body.missing ?? undefined));
      return done(id, currentTrainer().summary());
    }
    case 'rewind': {
      currentTrainer().rewind();
      return done(id, currentTrainer().summary());
    }
    case 'runTo': {
      endRun('paused');
      if (performance.now() - endedAt > rest) currentTrainer().begin();
      currentTrainer();
      goal = { id, step: body.step };
      return;
    }
    case 'tune': {
      const { topK, learningRate, pace } = body;
      // The pace belongs to the worker; there may be no model yet.
      if (typeof pace === 'number') {
        interval = pace > 0 ? 1000 / pace : 0;
        nextStepAt = 0;
        // A rate over two paces would be that of neither.
        trainer?.begin();
      }
      if (typeof topK === 'number' || typeof learningRate === 'number') {
        currentTrainer().tune({ topK: topK ?? undefined, learningRate: learningRate ?? undefined });
      }
      return done(id, { step: trainer?.step ?? 0 });
    }
    case 'frame': {
      const frame = currentTrainer().frame(body.recycle, body.whole);
      const buffers = [frame.buffer, ...frame.moments.map(({ buffer }) => buffer)];
      return done(id, frame, [frame.losses.buffer, ...buffers.filter((buffer) => buffer !== null)]);
    }
    case 'generate': {
      endGeneration('cancelled');
      const generator = currentTrainer();
      if (!(generator instanceof TextTrainer)) throw new TypeError('only a language model can generate text');
      generation = { id, tokens: generator.generate(body.prompt, body) };
      return;
    }
    case 'measure': {
      return measure(id);
    }
    case 'inspect': {
      const { step, model } = currentTrainer();
      return done(id, { step, router: model.config.router, tensors: currentTrainer().inspect(body.layer) });
    }
    case 'save': {
      const bytes = currentTrainer().save(body);
      return done(id, { bytes }, [bytes.buffer]);
    }
  }
}

/**
 * The numbers are the same on every machine with any number of threads: a shared address replays the run bit by bit.
 *
 * @param {number} threads that the page would like; where they cannot be started, one does it too
 * @returns {Promise<Engine>}
 */
async function openEngine(threads) {
  const variant = 'simd';
  if (threads > 1) {
    try {
      return await load({ variant, threads });
    } catch (error) {
      console.warn(`Training uses one thread: ${error}`);
    }
  }
  return load({ variant });
}

/** @param {number} id */
async function measure(id) {
  const abort = new AbortController();
  measuring = { id, abort };
  try {
    await currentTrainer().measure(abort.signal, (point) =>
      page.postMessage({ id, kind: 'part', body: point }),
    );
    done(id, { reason: 'done' });
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    done(id, { reason: 'cancelled' });
  } finally {
    measuring = undefined;
  }
}

/**
 * Replaces the trainer. If the new model or its data are invalid, the previous trainer stays.
 *
 * @param {{ task: string, learningRate: number, data: object | null }} body
 * @param {() => any} makeModel
 */
function replaceTrainer({ task, learningRate, data }, makeModel) {
  const { Trainer } = taskOf(task);
  const trainingData = data ?? currentTrainer().data;
  const model = makeModel();
  /** @type {AnyTrainer} */
  let next;
  try {
    next = new Trainer(requireEngine(), model, trainingData, learningRate);
  } catch (error) {
    model.dispose();
    throw error;
  }
  endRun('paused');
  endGeneration('cancelled');
  trainer?.dispose();
  trainer = next;
}

/** @param {string} name */
function taskOf(name) {
  if (!Object.hasOwn(tasks, name)) {
    throw new RangeError(`unknown task “${name}”; the tasks are ${Object.keys(tasks).join(', ')}`);
  }
  return tasks[name];
}

/** @returns {Engine} */
function requireEngine() {
  if (!engine) throw new Error('the engine is not open yet');
  return engine;
}

/** @returns {AnyTrainer} */
function currentTrainer() {
  if (!trainer) throw new Error('there is no model yet');
  return trainer;
}
