/**
 * The settings of this room; those of the run belong to the room that trains it.
 *
 * @param {{ value: string, label: string }[]} choices runs that can be inspected; the first is the default
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
    label: 'Model',
    help: 'The room whose model is shown.',
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
