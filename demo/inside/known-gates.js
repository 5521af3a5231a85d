import choiceExpertChoice from './formulas/choice-expert-choice.tex';
import gradientNone from './formulas/gradient-none.tex';
import gradientRelu from './formulas/gradient-relu.tex';
import gradientSigmoid from './formulas/gradient-sigmoid.tex';
import gradientSoftmaxTopk from './formulas/gradient-softmax-topk.tex';
import gradientTopkSoftmax from './formulas/gradient-topk-softmax.tex';
import weightsRelu from './formulas/weights-relu.tex';
import weightsSigmoid from './formulas/weights-sigmoid.tex';
import weightsSoftmaxTopk from './formulas/weights-softmax-topk.tex';
import weightsTopkSoftmax from './formulas/weights-topk-softmax.tex';
import weightsUniform from './formulas/weights-uniform.tex';

/**
 * Formulas of single gates, beyond what the engine says of all. A gate that is not here is shown by the engine's words.
 *
 * @typedef {object} KnownGate
 * @property {string} choice which experts a token gets, in words
 * @property {string} [choiceFormula]
 * @property {string} weights their formula
 * @property {string} weightsWords
 * @property {string} gradient the formula of the gradient of the layer's output with respect to a logit
 * @property {string} gradientWords
 */

/** @type {Readonly<Record<string, KnownGate>>} */
export const knownGates = {
  'topk-softmax': {
    choice: 'The k experts with the largest scores.',
    weights: weightsTopkSoftmax,
    weightsWords: 'The weights of a token sum to 1. With k = 1 the weight is 1.',
    gradient: gradientTopkSoftmax,
    gradientWords:
      'Only the chosen experts get a gradient, and it compares them with each other. With k = 1 it is 0: o is the output of the only expert.',
  },
  'softmax-topk': {
    choice: 'The k experts with the largest probabilities p.',
    weights: weightsSoftmaxTopk,
    weightsWords:
      'The weights are the probabilities themselves. They sum to less than 1, so an undecided router weakens the output.',
    gradient: gradientSoftmaxTopk,
    gradientWords: 'Every expert gets a gradient, chosen or not. It is not 0 with k = 1: the router learns.',
  },
  sigmoid: {
    choice: 'The k experts with the largest σ(g); σ is the logistic function.',
    weights: weightsSigmoid,
    weightsWords:
      'Each expert is scored by itself. The scores of the chosen ones are scaled to sum to 1; with k = 1 the weight is 1.',
    gradient: gradientSigmoid,
    gradientWords:
      'Only the chosen experts get a gradient; the surer the score, the smaller. With k = 1 it is 0.',
  },
  'expert-choice': {
    choice:
      'Experts choose tokens: each takes those with its largest p among the N tokens of a call. A token gets 0 to E experts. A token that is alone gets its k largest p.',
    choiceFormula: choiceExpertChoice,
    weights: weightsSoftmaxTopk,
    weightsWords: 'The weights are the probabilities; K are the experts that took the token.',
    gradient: gradientSoftmaxTopk,
    gradientWords:
      'For a token that an expert took, every expert gets a gradient. A token without an expert gives none.',
  },
  relu: {
    choice: 'Every expert with a positive score: 0 to E per token. No k: how many is learned.',
    weights: weightsRelu,
    weightsWords: 'The weight is the score. Weights do not sum to 1.',
    gradient: gradientRelu,
    gradientWords:
      'Continuous in g: an expert enters and leaves with weight 0. An expert with a negative score gets no gradient from this token.',
  },
};

/** The gate of a router to which the choice of the gate does not apply. @type {KnownGate} */
export const uniformGate = {
  choice: 'The k experts with the largest scores.',
  weights: weightsUniform,
  weightsWords: 'All chosen experts weigh the same.',
  gradient: gradientNone,
  gradientWords: 'The weights do not depend on the scores, so no gradient reaches the router.',
};
