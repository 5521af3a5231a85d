import { fixed, percent } from '../format.js';
import { accuracyOf } from '../plane/data.js';
import { starving } from '../plane/presets.js';

/**
 * The figures of the article: which run each trains, the one control that matters, and what it shows of the run.
 *
 * @typedef {import('../plane/run.js').PlaneRun} PlaneRun
 *
 * @typedef {object} Figure
 * @property {import('../schema.js').Values} settings of the playground; the others have their defaults
 * @property {string} control key of the setting that the reader can change
 * @property {readonly (string | number)[]} [choices] of it; by default, all
 * @property {readonly ('map' | 'load' | 'by-k' | 'router')[]} pictures
 * @property {number} limit the step at which it rests
 * @property {(run: PlaneRun) => string} words what is seen, in words; reads signals
 */

/** @param {PlaneRun} run */
const accuracyNow = (run) => {
  const accuracy = accuracyOf(run.map.value, run.data.value);
  return accuracy ? ` Held-out accuracy ${percent(accuracy.heldOut)}.` : '';
};

/** @param {PlaneRun} run */
const measuresNow = (run) => run.measures.value.entries.at(-1)?.layers[0];

/** @type {Record<string, Figure>} */
export const figures = {
  learn: {
    settings: { router: 'smoe' },
    control: 'topK',
    choices: [1, 2, 3, 6],
    pictures: ['map'],
    limit: 600,
    words: accuracyNow,
  },
  load: {
    settings: starving,
    control: 'loadBalanceWeight',
    choices: [0, 0.05, 0.1],
    pictures: ['map', 'load'],
    limit: 1000,
    words: (run) => {
      const now = measuresNow(run);
      if (!now) return '';
      const idle = now.load.filter((share) => share === 0).length;
      return ` Load variation ${fixed(now.loadVariation)}; ${idle} of ${now.load.length} experts idle.`;
    },
  },
  routers: {
    settings: {},
    control: 'router',
    choices: ['smoe', 'smoe-dropout', 'hyperrouter'],
    pictures: ['map', 'router'],
    limit: 600,
    words: (run) => {
      const now = measuresNow(run);
      return `${now ? ` Router entropy ${fixed(now.entropy)}.` : ''}${accuracyNow(run)}`;
    },
  },
  'one-expert': {
    settings: { router: 'smoe', topK: 1 },
    control: 'gate',
    choices: ['topk-softmax', 'softmax-topk'],
    pictures: ['map', 'router'],
    limit: 500,
    words: accuracyNow,
  },
  'by-k': {
    settings: { router: 'smoe', topK: 4 },
    control: 'topK',
    choices: [1, 2, 4],
    pictures: ['by-k'],
    limit: 400,
    words: () => '',
  },
};
