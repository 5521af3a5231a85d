import { planeBench } from '../plane/bench.js';
import { textBench } from '../text/bench.js';

/**
 * The runs whose router can be looked into; the first is the usual one.
 *
 * @type {{ value: string, label: string, open: (context: import('../context.js').Context) => Promise<Bench> }[]}
 */
export const sources = [
  { value: 'plane', label: 'the playground', open: planeBench },
  { value: 'text', label: 'the text', open: textBench },
];

/** @typedef {{ run: import('../run.js').Run, state: import('../state.js').State, begin: () => void }} Bench */
