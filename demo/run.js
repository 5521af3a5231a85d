import { batch, computed } from '@preact/signals';
import { DivergedError } from 'hyperrouter-wasm';
import { differenceOf, rebuildValues, settingsInWords } from './config.js';
import { createNotices } from './notices.js';
import { createRecord } from './record.js';
import { createBuiltWith } from './session/in-room.js';
import { createRuns } from './session/runs.js';
import { Session } from './session/session.js';
import { TrainingControl } from './session/training-control.js';

/**
 * @typedef {import('./session/session.js').Loaded} Loaded
 * @typedef {import('./session/session.js').Plan} Plan
 * @typedef {import('./session/training-control.js').Goal} Goal
 * @typedef {import('./trainer/trainer-protocol.js').ModelConfig} ModelConfig
 * @typedef {import('./trainer/trainer-protocol.js').Summary} Summary
 * @typedef {import('./trainer/trainer-protocol.js').TaskName} TaskName
 * @typedef {import('./state.js').State} State
 * @typedef {import('./schema.js').Values} Values
 *
 * @typedef {import('./session/session.js').SessionStatus | 'running'} Status
 *
 * @typedef {object} ComparedRun
 * @property {string} name
 * @property {string} label its settings, in words
 * @property {number[]} steps
 * @property {number[]} losses smoothed training loss, nats
 */

/**
 * What a run needs to know about its task.
 *
 * @template D
 * @typedef {object} Task
 * @property {(data?: D) => TaskName} name
 * @property {import('./format.js').Per} per what the loss of the model is averaged over
 * @property {number} replay steps that a link may open at: about a quarter of a minute of training
 * @property {() => number} guess loss of uniform predictions, nats; of a regressor, that of the mean
 * @property {() => ModelConfig} config for the current settings
 * @property {() => Promise<Uint8Array | undefined>} [start] the checkpoint that the model of the current settings begins
 *   with; undefined: random weights
 * @property {() => Promise<D>} wanted the data for the current settings
 * @property {(data: D, config: ModelConfig) => void} check throws an error if the data do not suit the model
 * @property {(data: D) => object} body what the worker gets of the data
 * @property {(built: Summary) => Values} [settingsOf] settings that a model from a file has besides its configuration
 * @property {(data: D) => string} [missing] the data that the link does not contain, in words; empty: none
 * @property {(data: D) => string} [lacks] why training cannot start with these data; empty: it can
 * @property {(built: Summary, data: D) => void} begin called when another model takes over: shows nothing of the last one
 * @property {(shape: any, buffer: ArrayBuffer) => number[][]} loads expert loads [layers, E] of a frame
 * @property {(shape: any, buffer: ArrayBuffer) => import('./session/runs.js').Thumbnail[]} thumbnails of a frame
 */

/** @type {Goal} */
const forever = () => Number.MAX_SAFE_INTEGER;
/** @type {Goal} */
const oneMore = (from) => from + 1;

/**
 * A session that follows the settings of a room, with its notices, its record and the runs before.
 *
 * @template D
 * @param {object} parts
 * @param {(use: { alone: boolean }) => Promise<import('./trainer/trainer-client.js').TrainerClient>} parts.openClient
 * @param {State} parts.state
 * @param {Task<D>} parts.task
 */
export function createRun({ openClient, state, task }) {
  const { notices, notify, dismiss, report } = createNotices();
  const record = createRecord((key) => state.settingOf(key).label);
  const builtWith = createBuiltWith(state);
  const runs = createRuns((one, other) => differenceOf(state, one, other) === '');
  const session = new Session({ openClient: () => openClient({ alone: true }), onStop });
  const control = new TrainingControl({
    train,
    stop: () => session.pause(),
    rest: () => session.frame({ whole: true }),
  });
  const status = computed(() => {
    const now = session.status.value;
    return now === 'ready' && control.running.value ? 'running' : now;
  });
  const { summary, step, speed, losses, loads, measures, picture, moments, moment, measuring, lossByK } =
    session;
  /** @type {D | undefined} the data of the current model */
  let learned;

  /** @param {Goal} goal */
  async function train(goal) {
    const lack = learned === undefined ? '' : task.lacks?.(learned);
    if (lack) notify('note', lack);
    else await session.advance(goal(session.step.peek()));
  }

  /**
   * Builds a model for the current settings, or goes back to the one that had them. If that fails, the last model stays
   * and its settings are restored.
   *
   * @param {object} [options]
   * @param {boolean} [options.go] whether to train the new model; default: as before
   * @param {number} [options.step] how far it is trained before it is shown
   * @param {boolean} [options.back] whether undo or redo asks for it
   * @param {import('./session/runs.js').KeptRun} [options.kept] a run to go back to, instead of a new model
   * @param {boolean} [options.changed] whether the model stays if the settings are its own again by then
   */
  function build({ go, step: first, back = false, kept, changed = false } = {}) {
    const goal = go ? forever : null;
    return control.build(
      {
        prepare: task.wanted,
        async replace(data) {
          const values = state.values.peek();
          if (changed && builtWith.is(values)) return;
          const config = task.config();
          task.check(data, config);
          const last = await lastRun();
          const wanted = back ? runs.findBy(rebuildValues(state, values)) : kept;
          const plan = planFor(data, values);
          if (wanted?.model) {
            const loaded = await session.goBack(wanted.model.past, plan);
            begin(loaded, data, values, 'built', wanted.model);
          } else {
            const start = await task.start?.();
            begin(await session.load({ ...plan, config, start }, { step: first }), data, values, 'built');
            if (wanted)
              notify(
                'note',
                `The settings are those of before. Their model, of step ${wanted.step}, could not be kept; ` +
                  'it begins again at step 0.',
              );
          }
          if (wanted) runs.remove(wanted);
          if (last) runs.keep(last);
        },
        fail(error) {
          report(error);
          builtWith.goBack();
        },
      },
      go === undefined ? undefined : goal,
    );
  }

  /**
   * The current run, to go back to; undefined if its model has learned nothing.
   *
   * @returns {Promise<Parameters<typeof runs.keep>[0] | undefined>}
   */
  async function lastRun() {
    const built = summary.peek();
    const now = session.status.peek();
    if (!built || !step.peek() || now === 'failed') return undefined;
    const { values } = builtWith;
    const kept = now === 'ready' && runs.hasRoom(built.parameterCount);
    const model = kept ? { past: await session.past(), record: record.past() } : null;
    const shown = picture.peek();
    return {
      values,
      live: record.past().settings,
      step: step.peek(),
      per: task.per,
      losses: losses.peek(),
      thumbnails: shown ? task.thumbnails(shown.shape, shown.buffer) : [],
      model,
    };
  }

  /** Goes back to a run: its settings and its model. @param {import('./session/runs.js').KeptRun} kept */
  function openRun(kept) {
    // The build that the settings ask for yields to the later one.
    state.setTogether('router', Object.entries({ ...kept.values, ...kept.live }));
    return build({ go: false, kept });
  }

  /**
   * @param {D} data
   * @param {Values} values
   */
  const planFor = (data, values) => ({
    task: task.name(data),
    learningRate: Number(values.learningRate),
    data,
    body: task.body(data),
    loads: task.loads,
  });

  /**
   * @param {Loaded} loaded
   * @param {D} data
   * @param {Values} values
   * @param {import('./record.js').Origin['kind']} kind
   * @param {import('./session/runs.js').KeptModel} [kept] the same model as it was before
   */
  function begin({ built, show }, data, values, kind, kept) {
    const { topK, step } = built;
    batch(() => {
      const live = { topK, learningRate: Number(values.learningRate) };
      if (kept) record.goBack(kept.record);
      else record.begin({ kind, step }, live, task.missing?.(data) ?? '');
      learned = data;
      builtWith.set(values);
      show();
      task.begin(built, data);
    });
  }

  /** @param {Error} error */
  function onStop(error) {
    if (!(error instanceof DivergedError)) {
      report(error);
      return;
    }
    const rate = Number(state.peek('learningRate'));
    const text = `Training diverged: ${error.message}. The learning rate is ${rate}.`;
    const lower = Number((rate / 10).toPrecision(3));
    notify('problem', text, [
      { label: `Restore the last good model; lower the learning rate to ${lower}`, act: () => rewind(lower) },
      { label: 'Restart from step 0', act: () => build({ go: false }) },
    ]);
  }

  /** @param {number} learningRate */
  function rewind(learningRate) {
    return control.inTurn(async () => {
      try {
        state.set('learningRate', learningRate);
        await control.halt();
        const loaded = await session.rewind(learningRate);
        batch(() => {
          begin(loaded, /** @type {D} */ (learned), { ...state.values.peek(), learningRate }, 'rewound');
          notices.value = [];
          notify('note', `Restored the model from step ${loaded.built.step}.`);
        });
        await tune({ topK: Number(state.peek('topK')) });
      } catch (error) {
        report(error);
      }
    });
  }

  /** @param {Values} settings any; live settings are passed on to the model */
  async function tune({ topK, learningRate }) {
    const told = await session.tune({
      ...(topK === undefined ? {} : { topK: Number(topK) }),
      ...(learningRate === undefined ? {} : { learningRate: Number(learningRate) }),
    });
    if (!told) return;
    record.change(told.step, told.change);
    if (told.change.topK !== undefined) await session.frame({ whole: true });
  }

  /**
   * @param {Uint8Array} bytes of a checkpoint
   * @param {object} [file]
   * @param {string} [file.name]
   * @param {object} [file.missing] what the file does not contain, by task
   */
  function open(bytes, { name, missing } = {}) {
    return control.inTurn(async () => {
      try {
        const data = await task.wanted();
        await control.halt();
        const last = await lastRun();
        const loaded = await session.open(bytes, planFor(data, state.values.peek()), missing);
        const { built } = loaded;
        // In one batch, so that no model is built for settings that have changed only in part.
        batch(() => {
          const values = { ...built.config, ...task.settingsOf?.(built), topK: built.topK };
          const problems = state.setAll(Object.entries(values));
          notices.value = [];
          begin(loaded, data, state.values.peek(), 'opened');
          if (last) runs.keep(last);
          state.forgetChanges();
          notify('note', `Model opened. It has been trained for ${built.step} steps.`);
          for (const problem of problems) notify('note', `${problem}. The opened model is unchanged.`);
        });
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (name)
          notify('problem', `${name} could not be opened: ${reason}${/[.!?]$/.test(reason) ? '' : '.'}`);
        else report(error);
      }
    });
  }

  /** What the page shows: the present, or a recorded moment; null: nothing yet. */
  const shown = computed(() => {
    const at = moment.value;
    return (at === null ? undefined : moments.value[at]) ?? picture.value;
  });

  /** The current run and those before, in words: what differs between them. */
  const words = computed(() => {
    const now = summary.value && builtWith.values;
    const all = runs.runs.value.map(({ values }) => values);
    const [current = '', ...before] = settingsInWords(state, [now ?? all[0] ?? {}, ...all]);
    return { current, before };
  });

  /** The runs whose losses are in the chart. */
  const compared = computed(() =>
    runs.runs.value.flatMap((run, i) => {
      const { steps, smooth } = run.losses;
      const label = words.value.before[i];
      // Errors of a regressor and losses of predictions have no scale in common.
      const alike = (run.per === 'value') === (task.per === 'value');
      return run.compared && alike ? [{ name: `run ${run.number}`, label, steps, losses: smooth }] : [];
    }),
  );

  return {
    task,
    /** What the model is trained on. */
    taskName: () => task.name(learned),
    session,
    state,
    status,
    /** The model; the name that `Trained` has for it. */
    built: summary,
    summary,
    step,
    speed,
    losses,
    loads,
    measures,
    picture,
    shown,
    moments,
    moment,
    runs: runs.runs,
    words,
    compared,
    openRun,
    removeRun: runs.remove,
    compareRun: runs.compare,
    notices,
    measuring,
    lossByK,
    ...record.signals,
    notify,
    dismiss,
    report,
    build,
    start: () => control.start(forever),
    pause: () => control.pause(),
    frame: () => session.frame(),
    measure: () => session.measure().catch(report),
    open,
    stopMeasuring: () => session.stopMeasuring(),
    oneStep: () => control.start(oneMore),
    reset: () => build({ go: false }),
    tune,
    /** @param {number} pace */
    setPace: (pace) => session.setPace(pace),
    save: async () => (await session.request('save', { optimizer: true })).bytes,
    /** The current tensors of a layer's router. @param {number} layer counted from 0 */
    inspect: async (layer) => session.request('inspect', { layer }),
    isBuiltWith: builtWith.is,
    /** Stops its worker. */
    dispose: () => session.dispose(),
  };
}

/** @typedef {ReturnType<typeof createRun<any>>} Run */
