/** Names of the tensors of a file that are no parameters of its model: the state of a training. */

/** A moment of Adam. @param {'m' | 'v'} moment @param {string} name of the parameter */
export const momentName = (moment, name) => `optimizer.${moment}.${name}`;

/** The best state of a run with patience. @param {string} name of the parameter */
export const bestName = (name) => `best.${name}`;

/** The Transformer-XL memory. @param {number} layer */
export const memoryName = (layer) => `state.memory.${layer}`;

/** @param {string} name */
export const isMoment = (name) => /^optimizer\.[mv]\./.test(name);

/** @param {string} name */
export const isBest = (name) => name.startsWith(bestName(''));

/** @param {string} name */
export const isMemory = (name) => /^state\.memory\.\d+$/.test(name);

/** Any of these. @param {string} name */
export const isState = (name) => /^(optimizer\.[mv]|best|state\.memory)\./.test(name);
