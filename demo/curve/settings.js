import { painted, paintedSetting } from '../plane/settings.js';
import { common } from '../settings.js';
import { curves } from './data.js';

/**
 * The settings of the room. With its defaults, each of the four experts learns a piece of the curve within seconds.
 *
 * @type {readonly import('../schema.js').Setting[]}
 */
export const curveSettings = [
  {
    key: 'data',
    type: 'choice',
    default: 'sine',
    control: 'select',
    group: 'main',
    effect: 'rebuild',
    label: 'Curve',
    help: 'Points to learn: y for each x.',
    choices: [
      ...Object.entries(curves).map(([value, { label }]) => ({ value, label })),
      { value: painted, label: 'Draw your own' },
    ],
  },
  {
    ...paintedSetting,
    label: 'Drawn points',
    help: 'Points drawn on the figure. A shared link includes them.',
  },
  {
    // Painting is by class.
    key: 'classes',
    type: 'integer',
    default: 1,
    min: 1,
    max: 1,
    control: 'none',
    group: 'data',
    effect: 'rebuild',
    label: 'Classes',
    help: 'Points of a curve have no classes.',
  },
  {
    ...common.experts,
    default: 4,
    min: 2,
    max: 8,
    group: 'main',
    help: 'Experts that share the curve.',
  },
  {
    ...common.topK,
    default: 1,
    max: 2,
    control: 'segments',
    group: 'main',
    effect: 'rebuild',
    label: 'Experts per point (top-k)',
    help: 'With 1, each x has one expert. With 2, two experts add up.',
  },
  { ...common.seed, default: 1, group: 'main', help: 'Seed of the model.' },
];
