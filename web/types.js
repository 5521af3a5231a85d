/** Types of the interface, without code. */

/**
 * @typedef {object} SharedConfig
 * @property {number} [layers] number of layers
 * @property {number} [dModel] width of the model; even for a language model
 * @property {number} [dInner] hidden width of an expert
 * @property {number} [experts] number of experts in a layer
 * @property {number} [topK] experts that take each token, 1 to experts
 * @property {'hyperrouter' | 'smoe' | 'smoe-dropout' | 'dense'} [router] how tokens are sent to experts
 * @property {number} [hyperSize] hidden width of the frozen hypernetwork (`hyperrouter`)
 * @property {number} [batchSize] parallel streams (or input vectors) of a call, at the most
 * @property {boolean} [preLayerNorm] layer norm before each sublayer instead of after it
 * @property {number} [dropout] probability of dropping an activation in training
 * @property {number} [loadBalanceWeight] weight of the load-balancing loss (`smoe`)
 * @property {number} [routerZWeight] weight of the router z-loss (`smoe`)
 * @property {number} [beta1] Adam's decay of the first moment
 * @property {number} [beta2] Adam's decay of the second moment
 * @property {number} [epsilon] Adam's guard against division by zero
 * @property {number} [weightDecay] decoupled weight decay (AdamW)
 * @property {number} [seed] of the initial values and of dropout
 */

/**
 * @typedef {object} LanguageKeys
 * @property {number} [vocabSize] number of different tokens; 256 for bytes
 * @property {number} [heads] attention heads of a layer
 * @property {number} [dHead] width of an attention head
 * @property {number} [contextLength] tokens of a segment, at the most
 * @property {number} [memoryLength] tokens of Transformer-XL memory before a segment
 * @property {number} [attentionDropout] probability of dropping an attention weight in training
 */
/** @typedef {SharedConfig & LanguageKeys} LanguageConfig */

/**
 * @typedef {object} ClassifierKeys
 * @property {number} [inputSize] numbers in one input vector
 * @property {number} [classes] number of classes
 */
/** @typedef {SharedConfig & ClassifierKeys} ClassifierConfig */

/**
 * A tensor of a model. `data` and `grad` are copies as of the call.
 * @typedef {object} Parameter
 * @property {string} name as in the state_dict of the published code
 * @property {number[]} shape
 * @property {boolean} trainable
 * @property {Float32Array} data
 * @property {Float32Array | null} grad of the last `gradients` or `trainStep`, before clipping; null if frozen
 */

/**
 * The routing of one layer in the last call; copies. N tokens in [batch, length] order, K chosen of E experts.
 * @typedef {object} LayerRouting
 * @property {Int32Array} experts [N, K] in descending order of logit, ties to the lower id
 * @property {Float32Array} weights [N, K] softmax over the chosen K
 * @property {Float32Array} logits [N, E] of the router
 * @property {Float32Array} load [E] share of the assignments that each expert got
 * @property {number} entropy mean over tokens of -Σ p ln p / ln E, p the softmax over all E logits
 */

/**
 * Bytes of a model by kind.
 * @typedef {object} MemoryUse
 * @property {number} tables its own records
 * @property {number} parameters trained and frozen
 * @property {number} gradients
 * @property {number} moments Adam's
 * @property {number} activations kept for the backward pass, with inputs and logits
 * @property {number} context Transformer-XL memory and the cache of generation
 * @property {number} scratch
 * @property {number} total
 */

export {};
