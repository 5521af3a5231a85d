import hyperrouter from './formulas/hyperrouter.tex';
import hyperrouterFree from './formulas/hyperrouter-free.tex';
import hyperrouterMade from './formulas/hyperrouter-made.tex';
import logitsCosine from './formulas/logits-cosine.tex';
import logitsHash from './formulas/logits-hash.tex';
import smoe from './formulas/smoe.tex';
import smoeDropout from './formulas/smoe-dropout.tex';
import smoeDropoutFree from './formulas/smoe-dropout-free.tex';
import smoeFree from './formulas/smoe-free.tex';

/**
 * Explanations and formulas written for single routers, beyond what the engine says of all. This is the only file of the
 * room that names routers. A router that is not here is shown by its tensors.
 *
 * @typedef {object} Known
 * @property {string} caption of its diagram
 * @property {string} gradient its path, for the table
 * @property {string} [logits] their formula, where it is not R x + b
 * @property {{ formulas: string[], text: (size: { free: string, embedding: string }) => string }} [jacobian] what the router can
 *   change of the layer's Jacobian; free: how many entries R has, embedding: how many components v has
 */

/** @type {Readonly<Record<string, Known>>} */
export const known = {
  hyperrouter: {
    caption:
      'Only the embedding v is learned. The hypernetwork, two frozen random layers, turns it into R and b, which score ' +
      'every expert. The gradient flows back through the frozen layers without changing them, and updates v.',
    gradient: 'routing weights → R, b → frozen layers → v',
    jacobian: {
      formulas: [hyperrouter, hyperrouterMade, hyperrouterFree],
      text: ({ embedding }) =>
        `R changes only through the ${embedding} components of v, all rows together: ` +
        'it can improve, but its rows cannot follow single tokens.',
    },
  },
  smoe: {
    caption:
      'R and b are learned together with the experts. The gradient flows through the routing weights directly into its ' +
      'rows.',
    gradient: 'routing weights → R, b',
    jacobian: {
      formulas: [smoe, smoeFree],
      text: ({ free }) =>
        `All ${free} entries of R are trainable. Tokens are pulled towards the rows of R, and the rows follow the tokens. ` +
        'This feedback is thought to cause representation collapse.',
    },
  },
  'smoe-dropout': {
    caption:
      'R and b are random and frozen. No gradient updates them: only the experts adapt to the tokens routed to them.',
    gradient: 'experts only; it stops before R',
    jacobian: {
      formulas: [smoeDropout, smoeDropoutFree],
      text: () =>
        'R cannot change. Tokens are still pulled towards the span of its rows, but that span stays random, ' +
        'whether it suits the data or not.',
    },
  },
  cosine: {
    caption:
      'Token and experts are compared by their angle: P projects the token to a few dimensions, each column of S stands for ' +
      'an expert, and t is a learned temperature. The length of a vector does not matter.',
    gradient: 'routing weights → cosines → P, c, S, t',
    logits: logitsCosine,
  },
  hash: {
    caption:
      'Every token id has a fixed random row of scores, the same wherever it stands. Nothing is learned: what ' +
      'a router that learns has to beat.',
    gradient: 'experts only; the table is frozen',
    logits: logitsHash,
  },
  dense: {
    caption:
      'No routing: one network, as wide as all experts together, processes every token. Choose a router to see inside it.',
    gradient: 'the one network',
  },
};
