import { createRun } from '../../demo/run.js';
import { createState } from '../../demo/state.js';
import { FakeTrainer, frame, model, settle } from './fake-trainer.js';

const setting = { label: '', help: '', group: 'model', control: /** @type {const} */ ('none') };
const number = { ...setting, type: /** @type {const} */ ('integer'), min: 1, max: 100 };

/**
 * A run of a task whose workers the test answers, with the settings that it follows: size and data ask for a new model.
 *
 * @param {{ lacks?: () => string }} [options]
 */
export function fakeRun({ lacks = () => '' } = {}) {
  /** @type {FakeTrainer[]} */
  const trainers = [];
  const state = createState([
    { ...number, key: 'size', label: 'Size', default: 1, effect: 'rebuild' },
    { ...setting, key: 'data', type: 'text', default: 'a', effect: 'rebuild' },
    { ...number, key: 'topK', label: 'k', default: 2, effect: 'live' },
    { ...setting, key: 'learningRate', type: 'number', label: 'Rate', default: 0.1, effect: 'live' },
    { ...setting, key: 'pace', type: 'text', default: 'full', effect: 'view' },
  ]);
  /** @type {Map<string, { name: string }>} */
  const known = new Map();
  /** What data are waited for before they are there. */
  const loading = { until: /** @type {Promise<unknown>} */ (Promise.resolve()) };
  /** The models that the task was told of, with the names of their data. @type {unknown[]} */
  const begun = [];
  const task = {
    name: () => /** @type {const} */ ('plane'),
    per: 'point',
    replay: 1000,
    guess: () => 1,
    config: () => ({ size: Number(state.peek('size')) }),
    async wanted() {
      const name = String(state.peek('data'));
      await loading.until;
      const data = known.get(name) ?? { name };
      known.set(name, data);
      return data;
    },
    check: (/** @type {{ name: string }} */ { name }) => {
      if (name === 'bad') throw new RangeError('these data are bad');
    },
    body: (/** @type {{ name: string }} */ { name }) => ({ name }),
    missing: () => '',
    lacks,
    begin: (/** @type {unknown} */ built, /** @type {{ name: string }} */ { name }) =>
      begun.push([built, name]),
    loads: () => [[0.5, 0.5]],
    thumbnails: () => [{ name: 'map', width: 1, fills: ['#000000'] }],
  };
  const openClient = async () => {
    trainers.push(new FakeTrainer());
    return /** @type {FakeTrainer} */ (trainers.at(-1)).client;
  };
  const run = createRun(/** @type {any} */ ({ openClient, state, task }));
  return {
    run,
    state,
    trainers,
    loading,
    begun,
    /** The worker of now. */
    get trainer() {
      return /** @type {FakeTrainer} */ (trainers.at(-1));
    },
    /** Lets the model that is being built come to be. @param {object} [different] */
    async built(different) {
      await settle();
      await this.trainer.answer('build', model(different));
      await this.trainer.answer('frame', frame(0));
    },
    /** Lets training that was paused come to rest. @param {number} [step] */
    async paused(step = 1) {
      await this.trainer.answer('pause');
      await this.trainer.answer('runTo', { step, reason: 'paused' });
    },
    /** Notices, as texts. */
    said: () => run.notices.value.map(({ text }) => text),
  };
}
