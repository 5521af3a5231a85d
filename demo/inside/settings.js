/**
 * The settings of the room itself; those of the run belong to the room where it is trained.
 *
 * @type {readonly import('../schema.js').Setting[]}
 */
export const insideSettings = [
  {
    key: 'of',
    type: 'choice',
    default: 'plane',
    control: 'segments',
    group: 'view',
    effect: 'view',
    label: 'Look into',
    help: 'Whose router is shown: the run of the playground, or that of the text.',
    choices: [
      { value: 'plane', label: 'the playground' },
      { value: 'text', label: 'the text' },
    ],
  },
  {
    key: 'gateLayer',
    type: 'integer',
    default: 1,
    min: 1,
    max: 4,
    control: 'none',
    group: 'view',
    effect: 'view',
    label: 'Layer',
    help: 'Every layer has a router of its own.',
  },
];
