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
 * @typedef {'building' | 'ready' | 'diverged' | 'failed'} SessionStatus building: there is no model yet; failed: it has
 *   no worker, and the next model gets another one
 *
 * @typedef {object} Plan what a model is made from
 * @property {TaskName} task
 * @property {ModelConfig} config
 * @property {number} learningRate
 * @property {unknown} data the same object as long as nothing of it changes: the worker is sent it once
 * @property {object} body what the worker is sent of the data
 * @property {(shape: any, buffer: ArrayBuffer) => number[][]} loads [layers, E] of a picture of this task
 *
 * @typedef {object} Loaded a model that the worker trains from now on
 * @property {Summary} built
 * @property {() => void} show makes it the one that the session is about, with its first frame
 *
 * @typedef {{ topK?: number, learningRate?: number }} LiveSettings what a model takes while it is trained
 *
 * @typedef {object} Picture the routing of the probe, in the layout of the task
 * @property {any} shape
 * @property {ArrayBuffer} buffer of no use any more once another picture is there: the worker writes into it again
 * @property {number} step
 *
 * @typedef {{ step: number, points: { topK: number, loss: number }[] }} LossByK held-out loss for every k, nats
 */

/**
 * A model that is trained in a worker of its own: what was heard of it, as signals, and what may be done with it. It
 * trains one model after the other, and what belongs to an earlier one is never taken for that of a later.
 *
 * It does not know when it is to train, nor where settings come from: see `TrainingControl`, and `createRun`.
 */
export class Session {
  status = signal(/** @type {SessionStatus} */ ('building'));
  /** Of the model; another object for each. */
  summary = signal(/** @type {Summary | null} */ (null));
  step = signal(0);
  /** Examples a second. */
  speed = signal(0);
  picture = signal(/** @type {Picture | null} */ (null));
  moments = signal(/** @type {readonly Moment[]} */ ([]));
  /** Which moment is shown; null: the present. */
  moment = signal(/** @type {number | null} */ (null));
  /** Whether every k is being tried. */
  measuring = signal(false);
  lossByK = signal(/** @type {LossByK | null} */ (null));

  /** @type {TrainerClient['engine']} what the worker's engine says of itself */
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
  /** @type {Plan | null} of the model */
  #plan = null;
  /** @type {unknown} the data that the worker has */
  #sent;
  /** @type {LiveSettings} that the model has, or that are on their way to it */
  #live = {};
  #pace = 0;
  /** Whether the worker may have another model already than the one that is shown. */
  #replacing = false;
  /** Frames that were asked for and are not there yet. */
  #framesAsked = 0;
  /** @type {ArrayBuffer | null} that the worker may write into */
  #spare = null;
  /** @type {number | undefined} */
  #measuringId;

  /**
   * @param {object} parts
   * @param {() => Promise<TrainerClient>} parts.openClient a worker of its own, with its engine open; called for the
   *   first model, and for the next one after a worker has failed
   * @param {(error: Error) => void} parts.onStop hears why the model cannot be trained further: once for each
   */
  constructor({ openClient, onStop }) {
    this.#openClient = openClient;
    this.#onStop = onStop;
  }

  /**
   * A new model. If that fails, the last one stays as it is.
   *
   * @param {Plan} plan
   * @returns {Promise<Loaded>}
   */
  load(plan) {
    const { task, config, learningRate } = plan;
    return this.#replace(plan, 'build', () => ({ task, config, learningRate, data: this.#unsent(plan) }));
  }

  /**
   * A model out of a checkpoint.
   *
   * @param {Uint8Array} bytes
   * @param {Omit<Plan, 'config'>} plan
   * @param {object} [missing] what the file does not hold itself, by task
   * @returns {Promise<Loaded>}
   */
  open(bytes, plan, missing) {
    const { task, learningRate } = plan;
    const body = () => ({ task, bytes, learningRate, data: this.#unsent(plan), missing });
    return this.#replace({ config: {}, ...plan }, 'restore', body);
  }

  /**
   * The model as it was a while ago, before it diverged.
   *
   * @param {number} learningRate to go on with
   * @returns {Promise<Loaded>}
   */
  async rewind(learningRate) {
    if (!this.#plan) throw new RangeError('there is no model to go back to');
    await this.tune({ learningRate });
    return this.#replace({ ...this.#plan, learningRate }, 'rewind', () => ({}));
  }

  /** @param {Pick<Plan, 'data' | 'body'>} plan */
  #unsent({ data, body }) {
    return data === this.#sent ? null : body;
  }

  /**
   * Asks for another model, and for its first frame, so that both are shown at once.
   *
   * @template {'build' | 'restore' | 'rewind'} T
   * @param {Plan} plan
   * @param {T} type
   * @param {() => Requests[T]} body asked when the worker is there
   * @returns {Promise<Loaded>}
   */
  async #replace(plan, type, body) {
    try {
      const client = await this.#worker();
      await this.stopMeasuring();
      // Frames are not asked for meanwhile: they could be of either model.
      this.#replacing = true;
      const built = /** @type {Summary} */ (await client.request(type, body()));
      this.#sent = plan.data;
      const frame = await client.request('frame', { recycle: null, whole: true });
      return {
        built,
        show: () => {
          // Its worker may have died while others were waited for.
          if (client === this.#client) this.#begin(plan, built, frame);
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
   */
  #begin(plan, built, frame) {
    batch(() => {
      this.#plan = plan;
      this.#live = { topK: built.topK, learningRate: plan.learningRate };
      this.#replacing = false;
      this.#history.clear();
      this.summary.value = built;
      this.moments.value = [];
      this.moment.value = null;
      this.picture.value = null;
      this.lossByK.value = null;
      this.status.value = 'ready';
      this.#take(frame);
    });
  }

  /**
   * Trains to a step, or until it is paused. What is asked of a model that cannot be trained is nothing.
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
    // Where the worker fails meanwhile, what it was to end says so; the same holds for `cancel`.
    await this.#client?.request('pause', {}).catch(nothing);
  }

  /**
   * The end of what cannot go on. A model that diverged may be looked at, and gone back from; after anything else the
   * worker is not to be trusted.
   *
   * @param {TrainerClient} client
   * @param {unknown} error
   */
  async #stop(client, error) {
    // It is known already, or there is another one.
    if (client !== this.#client) return;
    if (error instanceof DivergedError) {
      this.status.value = 'diverged';
      this.#onStop(error);
      await this.frame({ whole: true });
    } else this.fail(error);
  }

  /** Gives up on the worker; the next model gets another one. @param {unknown} error */
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

  /** Asks what happened since the last frame, and shows it. @param {{ whole?: boolean }} [options] */
  async frame(options) {
    const show = await this.nextFrame(options);
    show();
  }

  /**
   * Asks what happened since the last frame. At most one question is under way, so that the worker never overtakes the
   * page.
   *
   * @param {{ whole?: boolean }} [options] whole: in any case, and with the routing even if nothing changed
   * @returns {Promise<() => void>} shows it
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

  /** @param {Frame} frame */
  #take(frame) {
    batch(() => {
      const { step, perSecond, moments, shape, buffer } = frame;
      this.step.value = step;
      this.speed.value = perSecond;
      if (moments.length) this.moments.value = [...this.moments.peek(), ...moments];
      const drawn = buffer && shape;
      this.#history.add(frame, drawn && this.#plan ? this.#plan.loads(shape, buffer) : null);
      if (!drawn) return;
      this.#spare = this.picture.peek()?.buffer ?? null;
      this.picture.value = { shape, buffer, step };
    });
  }

  /**
   * Changes what may be changed while it is trained. What is so already is not asked for.
   *
   * @param {LiveSettings} settings
   * @returns {Promise<{ step: number, change: LiveSettings } | null>} the change, and the last step before it; null
   *   where there is none, or another model by now
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

  /** @param {number} pace at most so many steps a second; 0: as many as can be */
  async setPace(pace) {
    this.#pace = pace;
    await this.#client?.request('tune', { pace });
  }

  /**
   * Tries the model with every k, on what is held out. It can be stopped.
   *
   * @param {number} [most] values of k
   */
  async measure(most = Number.POSITIVE_INFINITY) {
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
            if (model !== this.summary.peek() || points.length === most) return;
            points.push(point);
            this.lossByK.value = { step: at, points: [...points] };
            if (points.length === most) this.cancel(request.id);
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

  /** Ends a request early. @param {number} id */
  async cancel(id) {
    await this.#client?.request('cancel', { id }).catch(nothing);
  }

  /**
   * What changes nothing in the training.
   *
   * @type {TrainerClient['request']}
   */
  request(type, body, options) {
    if (!this.#client) throw new DisposedError('the worker has stopped; Reset begins again with another one');
    return this.#client.request(type, body, options);
  }

  /** Ends the worker, with its model. What was asked of it is rejected. */
  dispose() {
    this.#disposed = true;
    this.#close();
  }
}

const nothing = () => {};
