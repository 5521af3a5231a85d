import { batch, signal } from '@preact/signals';
import { DisposedError, DivergedError } from 'hyperrouter-wasm';
import { createHistory } from '../history.js';

/**
 * @typedef {import('../trainer/trainer-client.js').TrainerClient} TrainerClient
 * @typedef {import('../trainer/trainer-protocol.js').Frame} Frame
 * @typedef {import('../trainer/trainer-protocol.js').ModelConfig} ModelConfig
 * @typedef {import('../trainer/trainer-protocol.js').Moment} Moment
 * @typedef {import('../trainer/trainer-protocol.js').Requests} Requests
 * @typedef {import('../trainer/trainer-protocol.js').Summary} Summary
 * @typedef {import('../trainer/trainer-protocol.js').TaskName} TaskName
 *
 * @typedef {'building' | 'ready' | 'diverged' | 'failed'} SessionStatus building: there is no model yet; failed: the
 *   worker is gone, and the next model gets a new one
 *
 * @typedef {object} Plan everything that a model is built from
 * @property {TaskName} task
 * @property {ModelConfig} config
 * @property {Uint8Array} [start] a checkpoint that the model begins with
 * @property {number} learningRate
 * @property {unknown} data the same object as long as the data do not change: they are sent to the worker only once
 * @property {object} body the data as the worker gets them
 * @property {(shape: any, buffer: ArrayBuffer) => number[][]} loads expert loads [layers, E] of a frame of this task
 *
 * @typedef {object} Loaded a model that the worker has
 * @property {Summary} built
 * @property {() => void} show makes it the session's model and shows its first frame
 *
 * @typedef {{ topK?: number, learningRate?: number }} LiveSettings settings that can change during training
 *
 * @typedef {object} Picture the routing of the probe, in the layout of the task
 * @property {any} shape
 * @property {ArrayBuffer} buffer valid until the next picture; then the worker reuses it
 * @property {number} step
 *
 * @typedef {object} Past a model that another one replaced, with everything that was shown of it
 * @property {number} step
 * @property {Uint8Array} bytes its checkpoint
 * @property {import('../history.js').PastHistory} history
 * @property {readonly Moment[]} moments
 *
 * @typedef {{ step: number, points: { topK: number, loss: number }[] }} LossByK held-out loss for every k, nats
 */

/**
 * A model in its own worker: its state as signals, and the operations on it. A session trains one model after another,
 * and never shows a result of an earlier model as one of a later.
 *
 * It does not decide when to train, nor where settings come from: see `TrainingControl` and `createRun`.
 */
export class Session {
  status = signal(/** @type {SessionStatus} */ ('building'));
  /** Summary of the model; a new object for each model. */
  summary = signal(/** @type {Summary | null} */ (null));
  step = signal(0);
  /** Examples per second. */
  speed = signal(0);
  picture = signal(/** @type {Picture | null} */ (null));
  moments = signal(/** @type {readonly Moment[]} */ ([]));
  /** Which moment is shown; null: the present. */
  moment = signal(/** @type {number | null} */ (null));
  /** Whether the model is being evaluated with every k. */
  measuring = signal(false);
  lossByK = signal(/** @type {LossByK | null} */ (null));

  /** @type {TrainerClient['engine']} description of the worker's engine */
  engine;

  #openClient;
  #onStop;
  #history = createHistory();
  losses = this.#history.signals.losses;
  loads = this.#history.signals.loads;
  measures = this.#history.signals.measures;

  /** @type {TrainerClient | null} */
  #client = null;
  #disposed = false;
  /** @type {Plan | null} the plan of the current model */
  #plan = null;
  /** @type {unknown} the data that the worker has */
  #sent;
  /** @type {LiveSettings} the latest that were sent to the model */
  #live = {};
  #pace = 0;
  /** Whether the worker may already have another model than the one shown. */
  #replacing = false;
  /** Number of requested frames that have not arrived. */
  #framesAsked = 0;
  /** @type {ArrayBuffer | null} a buffer that the worker may reuse */
  #spare = null;
  /** @type {number | undefined} */
  #measuringId;

  /**
   * @param {object} parts
   * @param {() => Promise<TrainerClient>} parts.openClient opens a new worker with its engine loaded; called for the
   *   first model, and for the next model after a worker failed
   * @param {(error: Error) => void} parts.onStop called once per model that cannot be trained any further, with the reason
   */
  constructor({ openClient, onStop }) {
    this.#openClient = openClient;
    this.#onStop = onStop;
  }

  /**
   * Builds a new model. If that fails, the current one is unchanged.
   *
   * @param {Plan} plan
   * @param {{ step?: number }} [options] step: how far it is trained before it is shown
   * @returns {Promise<Loaded>}
   */
  load(plan, { step } = {}) {
    const { task, config, learningRate, start } = plan;
    const body = () => ({ task, config, learningRate, data: this.#unsent(plan), start });
    return this.#replace(plan, 'build', body, { step });
  }

  /**
   * Opens a model from a checkpoint.
   *
   * @param {Uint8Array} bytes
   * @param {Omit<Plan, 'config'>} plan
   * @param {object} [missing] what the file does not contain, by task
   * @returns {Promise<Loaded>}
   */
  open(bytes, plan, missing) {
    const { task, learningRate } = plan;
    const body = () => ({ task, bytes, learningRate, data: this.#unsent(plan), missing });
    return this.#replace({ config: {}, ...plan }, 'restore', body);
  }

  /**
   * The model as it is, to go back to it when another one has replaced it. Training must be paused.
   *
   * @returns {Promise<Past>}
   */
  async past() {
    // What was learned since the last frame belongs to it.
    await this.frame({ whole: true });
    const { bytes } = await this.request('save', { optimizer: true });
    return { step: this.step.peek(), bytes, history: this.#history.past(), moments: this.moments.peek() };
  }

  /**
   * Goes back to a model that was replaced.
   *
   * @param {Past} past
   * @param {Omit<Plan, 'config'>} plan
   * @returns {Promise<Loaded>}
   */
  goBack(past, plan) {
    const body = () => ({
      task: plan.task,
      bytes: past.bytes,
      learningRate: plan.learningRate,
      data: this.#unsent(plan),
      missing: undefined,
    });
    return this.#replace({ config: {}, ...plan }, 'restore', body, { past });
  }

  /**
   * Restores the model from before it diverged.
   *
   * @param {number} learningRate for further training
   * @returns {Promise<Loaded>}
   */
  async rewind(learningRate) {
    if (!this.#plan) throw new RangeError('there is no model to restore');
    await this.tune({ learningRate });
    return this.#replace({ ...this.#plan, learningRate }, 'rewind', () => ({}));
  }

  /**
   * Trains at full speed, whatever the pace.
   *
   * @param {TrainerClient} client
   * @param {number} step
   */
  async #advanceAtOnce(client, step) {
    await client.request('tune', { pace: 0 });
    try {
      await client.request('runTo', { step });
    } finally {
      await client.request('tune', { pace: this.#pace });
    }
  }

  /** @param {Pick<Plan, 'data' | 'body'>} plan */
  #unsent({ data, body }) {
    return data === this.#sent ? null : body;
  }

  /**
   * Requests another model and its first frame, so that both are shown at once.
   *
   * @template {'build' | 'restore' | 'rewind'} T
   * @param {Plan} plan
   * @param {T} type
   * @param {() => Requests[T]} body called when the worker is ready
   * @param {object} [options]
   * @param {Past} [options.past] what is known of it already
   * @param {number} [options.step] how far it is trained first
   * @returns {Promise<Loaded>}
   */
  async #replace(plan, type, body, { past, step } = {}) {
    try {
      const client = await this.#worker();
      await this.stopMeasuring();
      // No frames are requested meanwhile: they could belong to either model.
      this.#replacing = true;
      const built = /** @type {Summary} */ (await client.request(type, body()));
      this.#sent = plan.data;
      if (step !== undefined && step > built.step) await this.#advanceAtOnce(client, step);
      const frame = await client.request('frame', { recycle: null, whole: true });
      return {
        built,
        show: () => {
          // The worker may have died while the caller waited for other models.
          if (client === this.#client) this.#begin(plan, built, frame, past);
        },
      };
    } catch (error) {
      this.#replacing = false;
      if (!this.summary.peek()) this.status.value = 'failed';
      throw error;
    }
  }

  async #worker() {
    if (this.#client) return this.#client;
    const client = await this.#openClient();
    if (this.#disposed) {
      client.close();
      throw new DisposedError('the session was disposed');
    }
    this.#client = client;
    this.engine = client.engine;
    this.#sent = undefined;
    client.lost.then((error) => this.#stop(client, error));
    if (this.#pace) await client.request('tune', { pace: this.#pace });
    return client;
  }

  /**
   * @param {Plan} plan
   * @param {Summary} built
   * @param {Frame} frame
   * @param {Past} [past]
   */
  #begin(plan, built, frame, past) {
    batch(() => {
      this.#plan = plan;
      this.#live = { topK: built.topK, learningRate: plan.learningRate };
      this.#replacing = false;
      this.#history.begin(past?.history);
      this.summary.value = built;
      this.moments.value = past?.moments.filter(({ step }) => step < built.step) ?? [];
      this.moment.value = null;
      this.picture.value = null;
      this.lossByK.value = null;
      this.status.value = 'ready';
      this.#take(frame);
    });
  }

  /**
   * Trains until a step is reached or training is paused. Does nothing if there is no model to train.
   *
   * @param {number} step
   */
  async advance(step) {
    const client = this.#client;
    const model = this.summary.peek();
    if (!client || !model) return;
    this.status.value = 'ready';
    try {
      await client.request('runTo', { step });
    } catch (error) {
      if (model === this.summary.peek()) await this.#stop(client, error);
    }
  }

  async pause() {
    // If the worker fails, the request that this was to end reports it; the same holds for `cancel`.
    await this.#client?.request('pause', {}).catch(nothing);
  }

  /**
   * Handles an error in training. A model that diverged can still be shown and restored; after any other error the worker
   * cannot be trusted.
   *
   * @param {TrainerClient} client
   * @param {unknown} error
   */
  async #stop(client, error) {
    // The error was handled already, or there is another worker.
    if (client !== this.#client) return;
    if (error instanceof DivergedError) {
      this.status.value = 'diverged';
      this.#onStop(error);
      await this.frame({ whole: true });
    } else this.fail(error);
  }

  /** Closes the worker; the next model gets a new one. @param {unknown} error */
  fail(error) {
    this.#close();
    this.status.value = 'failed';
    this.#onStop(error instanceof Error ? error : new Error(String(error)));
  }

  #close() {
    const client = this.#client;
    this.#client = null;
    client?.close();
  }

  /** Requests a frame and shows it. @param {{ whole?: boolean }} [options] */
  async frame(options) {
    const show = await this.nextFrame(options);
    show();
  }

  /**
   * Requests a frame: what happened since the last one. There is at most one request at a time, so that the worker never
   * gets ahead of the page.
   *
   * @param {{ whole?: boolean }} [options] whole: even during another request, and with the routing even if it has not
   *   changed
   * @returns {Promise<() => void>} shows the frame
   */
  async nextFrame({ whole = false } = {}) {
    const client = this.#client;
    const model = this.summary.peek();
    if (!client || !model || this.#replacing) return nothing;
    if (this.#framesAsked > 0 && !whole) return nothing;
    this.#framesAsked++;
    try {
      const recycle = this.#spare;
      this.#spare = null;
      const transfer = recycle ? [recycle] : [];
      const frame = await client.request('frame', { recycle, whole }, { transfer });
      return () => {
        if (model === this.summary.peek()) this.#take(frame);
      };
    } catch (error) {
      await this.#stop(client, error);
      return nothing;
    } finally {
      this.#framesAsked--;
    }
  }

  /** @param {readonly { step: number, shape: any, buffer: ArrayBuffer }[]} pictures */
  #loadsOf(pictures) {
    const plan = this.#plan;
    return plan
      ? pictures.map(({ step, shape, buffer }) => ({ step, layers: plan.loads(shape, buffer) }))
      : [];
  }

  /** @param {Frame} frame */
  #take(frame) {
    batch(() => {
      const { step, perSecond, moments, shape, buffer } = frame;
      this.step.value = step;
      this.speed.value = perSecond;
      if (moments.length) this.moments.value = [...this.moments.peek(), ...moments];
      const drawn = buffer && shape;
      this.#history.add(frame, this.#loadsOf([...moments, ...(drawn ? [{ step, shape, buffer }] : [])]));
      if (!drawn) return;
      this.#spare = this.picture.peek()?.buffer ?? null;
      this.picture.value = { shape, buffer, step };
    });
  }

  /**
   * Applies live settings; those that have not changed are not sent.
   *
   * @param {LiveSettings} settings
   * @returns {Promise<{ step: number, change: LiveSettings } | null>} the change, and the last step before it; null if
   *   nothing changed or another model took over
   */
  async tune(settings) {
    const changed = Object.entries(settings).filter(
      ([key, value]) => this.#live[/** @type {keyof LiveSettings} */ (key)] !== value,
    );
    const model = this.summary.peek();
    if (!this.#client || !model || !changed.length) return null;
    const change = /** @type {LiveSettings} */ (Object.fromEntries(changed));
    this.#live = { ...this.#live, ...change };
    const { step } = await this.#client.request('tune', change);
    return model === this.summary.peek() ? { step, change } : null;
  }

  /** @param {number} pace limit in steps per second; 0: no limit */
  async setPace(pace) {
    this.#pace = pace;
    await this.#client?.request('tune', { pace });
  }

  /**
   * Evaluates the model on the held-out data with every k. It can be stopped.
   *
   * @param {number} [limit] number of values of k
   */
  async measure(limit = Number.POSITIVE_INFINITY) {
    const model = this.summary.peek();
    const at = this.step.peek();
    /** @type {LossByK['points']} */
    const points = [];
    this.measuring.value = true;
    try {
      const request = this.request(
        'measure',
        {},
        {
          onPart: (point) => {
            if (model !== this.summary.peek() || points.length === limit) return;
            points.push(point);
            this.lossByK.value = { step: at, points: [...points] };
            if (points.length === limit) this.cancel(request.id);
          },
        },
      );
      this.#measuringId = request.id;
      await request;
    } finally {
      this.#measuringId = undefined;
      this.measuring.value = false;
    }
  }

  async stopMeasuring() {
    if (this.#measuringId !== undefined) await this.cancel(this.#measuringId);
  }

  /** Cancels a request. @param {number} id */
  async cancel(id) {
    await this.#client?.request('cancel', { id }).catch(nothing);
  }

  /**
   * A request that does not change the model.
   *
   * @type {TrainerClient['request']}
   */
  request(type, body, options) {
    if (!this.#client) throw new DisposedError('the worker has stopped; press Reset to start a new one');
    return this.#client.request(type, body, options);
  }

  /** Stops the worker. Its pending requests are rejected. */
  dispose() {
    this.#disposed = true;
    this.#close();
  }
}

const nothing = () => {};
