/**
 * The settings of the room itself; those of the run belong to the room where it is trained.
 *
 * @param {{ value: string, label: string }[]} choices the runs that can be looked into; the first is the usual one
 * @returns {readonly import('../schema.js').Setting[]}
 */
export const insideSettings = (choices) => [
  {
    key: 'of',
    type: 'choice',
    default: choices[0].value,
    control: 'segments',
    group: 'view',
    effect: 'view',
    label: 'Look into',
    help: 'Whose router is shown.',
    choices,
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
