import { common } from '../settings.js';

/**
 * The settings of a comparison that are of one kind of data only: of texts, in the group `text`, and of points, in the
 * group `plane`.
 *
 * @type {readonly import('../schema.js').Setting[]}
 */
export const dataSettings = [
  { ...common.batchSize, default: 8, group: 'text' },
  { ...common.contextLength, group: 'text', help: 'Bytes of each stream in one step.' },
  { ...common.memoryLength, group: 'text', help: 'Bytes before the segment that attention still sees.' },
  { ...common.heads, group: 'text' },
  { ...common.dHead, default: 12, group: 'text' },
  { ...common.points, group: 'plane', label: 'How many points' },
  { ...common.noise, group: 'plane' },
  { ...common.batch, group: 'plane' },
];
