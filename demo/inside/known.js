import hyperrouter from './formulas/hyperrouter.tex';
import hyperrouterFree from './formulas/hyperrouter-free.tex';
import hyperrouterMade from './formulas/hyperrouter-made.tex';
import smoe from './formulas/smoe.tex';
import smoeDropout from './formulas/smoe-dropout.tex';
import smoeDropoutFree from './formulas/smoe-dropout-free.tex';
import smoeFree from './formulas/smoe-free.tex';

/**
 * What the page tells of routers beyond what their tensors and the engine say: explanations and formulas, which somebody
 * wrote for one router each. This is the only place of the room that names routers. A router that is not here is shown
 * by its tensors.
 *
 * @typedef {object} Known
 * @property {string} caption of its diagram
 * @property {string} gradient where it goes
 * @property {{ formulas: string[], text: (size: { free: string, embedding: string }) => string }} [jacobian] what it lets
 *   change of the layer's Jacobian; free: how many numbers R has, embedding: how many v has
 */

/** @type {Readonly<Record<string, Known>>} */
export const known = {
  hyperrouter: {
    caption:
      'Only the vector v is learned. Two frozen layers of random numbers, the hypernetwork, turn it into R and b, which ' +
      'give every expert its score. The gradient passes back through the frozen layers, leaves them as they are, and moves v.',
    gradient: 'from the weights of the chosen into R, back through the frozen layers, into v',
    jacobian: {
      formulas: [hyperrouter, hyperrouterMade, hyperrouterFree],
      text: ({ embedding }) =>
        `R moves, but only as the ${embedding} numbers of v move it, all of its rows together: ` +
        'it can get better, and cannot follow each token on its own.',
    },
  },
  smoe: {
    caption:
      'Every number of R and b is learned, together with the experts. The gradient comes through the weights of the chosen ' +
      'experts, straight into their rows.',
    gradient: 'from the weights of the chosen into R and b',
    jacobian: {
      formulas: [smoe, smoeFree],
      text: ({ free }) =>
        `All ${free} numbers of R are free. Tokens are pulled towards the rows of R, and the rows follow the tokens: ` +
        'this circle is what is blamed for representation collapse.',
    },
  },
  'smoe-dropout': {
    caption:
      'R and b were drawn at random once and stay as they are. No gradient reaches them: the experts have to come to terms ' +
      'with what they are sent.',
    gradient: 'into the experts only; it ends before R',
    jacobian: {
      formulas: [smoeDropout, smoeDropoutFree],
      text: () =>
        'Nothing of R is free. Tokens are still pulled into the span of its rows, but that span stays what chance made ' +
        'it, however well or badly it fits.',
    },
  },
  dense: {
    caption:
      'There is nothing to decide here: one network, as wide as all experts together, takes everything. Choose another ' +
      'router to look into it.',
    gradient: 'into the one network',
  },
};
