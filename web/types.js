/** Types of the interface, without code. */

/** @import { LayerMeasures } from './measures.js' */
/** @import { Schedule } from './schedules.js' */

/**
 * @typedef {object} SharedConfig
 * What both kinds of model are configured with. `engine.configFields(kind)` gives defaults and limits.
 *
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
 * What a language model is configured with besides.
 *
 * @property {number} [vocabSize] number of different tokens; 256 for bytes
 * @property {number} [heads] attention heads of a layer
 * @property {number} [dHead] width of an attention head
 * @property {number} [contextLength] tokens of a segment, at the most
 * @property {number} [memoryLength] tokens of Transformer-XL memory before a segment
 * @property {number} [attentionDropout] probability of dropping an attention weight in training
 */

/**
 * @typedef {SharedConfig & LanguageKeys} LanguageConfig
 * The configuration of a language model; every key has a default.
 */

/**
 * @typedef {object} ClassifierKeys
 * What a classifier is configured with besides.
 *
 * @property {number} [inputSize] numbers in one input vector
 * @property {number} [classes] number of classes
 */

/**
 * @typedef {SharedConfig & ClassifierKeys} ClassifierConfig
 * The configuration of a classifier; every key has a default.
 */

/**
 * @typedef {object} Parameter
 * A tensor of a model. `data` and `grad` are copies as of the call.
 *
 * @property {string} name as in the state_dict of the published code
 * @property {number[]} shape its sizes, outermost first
 * @property {boolean} trainable false if frozen
 * @property {Float32Array} data its numbers, row-major
 * @property {Float32Array | null} grad of the last `gradients` or `trainStep`, before clipping; null if frozen
 */

/**
 * @typedef {object} LayerRouting
 * The routing of one layer in the last call; copies. N tokens in [batch, length] order, K chosen of E experts.
 *
 * @property {Int32Array} experts [N, K] in descending order of logit, ties to the lower id
 * @property {Float32Array} weights [N, K] softmax over the chosen K
 * @property {Float32Array} logits [N, E] of the router
 * @property {Float32Array} load [E] share of the assignments that each expert got
 * @property {number} entropy mean over tokens of -Σ p ln p / ln E, p the softmax over all E logits
 */

/**
 * @typedef {object} MemoryUse
 * Bytes of a model by kind.
 *
 * @property {number} tables its own records
 * @property {number} parameters trained and frozen
 * @property {number} gradients of what is trained
 * @property {number} moments Adam's
 * @property {number} activations kept for the backward pass, with inputs and logits
 * @property {number} context Transformer-XL memory and the cache of generation
 * @property {number} scratch intermediate results
 * @property {number} total of all these
 */

/**
 * @typedef {object} ConfigOption
 * One option of a configuration key that chooses.
 *
 * @property {string} name the value of the key
 * @property {string} label its name for people
 * @property {string} summary what it does, in a line
 * @property {string[]} traits what it does or takes; other keys may require some of them. `routes`: tokens are routed to
 *   experts; `learns`: training changes which experts a token is routed to; `auxiliaryLoss`: can be trained with the
 *   load-balancing and the z-loss; `hypernetwork`: a frozen hypernetwork generates the router
 */

/**
 * @typedef {object} ConfigField
 * What there is to know of a configuration key: for options, controls, help and documentation.
 *
 * @property {string} name the key
 * @property {string} summary what it means, in a line
 * @property {'integer' | 'number' | 'boolean' | 'choice'} type what its values are
 * @property {number | boolean | string} default what it is where it is not given
 * @property {number} [min] inclusive, of numbers
 * @property {number} [max] of numbers; inclusive unless `exclusiveMax`
 * @property {boolean} [exclusiveMax] whether `max` itself is too large
 * @property {number} [multipleOf] 2 for a number that must be even
 * @property {string[]} [choices] the names of a choice's options
 * @property {ConfigOption[]} [options] of a choice
 * @property {string[]} requires traits that the chosen options must have for this key to have an effect; see
 *   `fieldsInUse`
 * @property {boolean} shape whether it sets the shape of a tensor: what a checkpoint cannot be opened without
 */

/**
 * @typedef {'language' | 'classifier'} ModelKind
 * The kinds of models.
 */

/**
 * @typedef {ConfigOption & { routes: boolean }} Router
 * An option of `config.router`; `routes` is false if one dense network takes every token.
 */

/**
 * @typedef {object} StepOptions
 * Options of one step of training.
 *
 * @property {number} learningRate of this step, 0 to 1e30
 * @property {number} [clip] global norm that the gradient is scaled down to; 0 (default): no clipping
 */

/**
 * @typedef {object} StepResult
 * What a step, or the gradients without one, came to.
 *
 * @property {number} loss mean cross-entropy, nats per token or vector
 * @property {number} gradNorm norm over all gradients, before clipping
 * @property {number} auxiliaryLoss the weighted load-balancing and z-loss, which are not in `loss`
 */

/**
 * @template Validation, Probe
 * @typedef {object} TrainOptions
 * Options of `model.train`.
 *
 * @property {number} steps to take now; a model that was trained before goes on from its own `step`
 * @property {number} [every] steps from one progress to the next; default 1. There is one after the last step, after
 *   each validation and after each measure in any case.
 * @property {AbortSignal} [signal] stops between two steps
 * @property {number} [learningRate] the highest rate of a schedule that is named; default 0.003
 * @property {'cosine' | 'constant' | Schedule} [schedule] of the learning rate: a name (default 'cosine'), over the
 *   steps of this call, after a warm-up; or a function of `model.step`
 * @property {number} [warmup] steps of linear warm-up before a schedule that is named; default a tenth of the steps, at
 *   most 50
 * @property {Schedule} [topKSchedule] experts a token as a function of `model.step`; default: `model.topK` as it is
 * @property {number} [clip] global norm that gradients are scaled down to; default 0.25, 0: no clipping
 * @property {Validation} [validation] data that are held out: gives `validationLoss`
 * @property {number} [validateEvery] steps; default a tenth of all. After the last step in any case.
 * @property {Probe} [probe] what the routing is measured on: gives `measures`
 * @property {Int32Array} [probeClasses] as the option `classes` of `measure`
 * @property {number} [measureEvery] steps; default a tenth of all. After the last step in any case.
 * @property {number} [seed] of the order of a classifier's data
 */

/**
 * @template [Evaluation={ loss: number }]
 * @typedef {object} TrainProgress
 * What `model.train` gives as it goes on.
 *
 * @property {number} step steps that the model has taken in all
 * @property {number} epoch passes over the data completed before this step, from 0
 * @property {number} loss mean over the steps since the last progress, nats per token or vector
 * @property {number} gradNorm of the last step, before clipping
 * @property {number} learningRate of the last step
 * @property {number} topK experts a token in the last step
 * @property {number} tokensPerSecond tokens (or vectors) trained on since the last progress, by the time of their steps
 * @property {number | null} validationLoss nats; null if this was no step to validate
 * @property {Evaluation | null} validation the same and more: bits per token, or accuracy
 * @property {LayerMeasures[] | null} measures one entry a layer; null if this was no step to measure
 */

/**
 * @typedef {object} TrainStep
 * What every step of a training has, whichever the model.
 *
 * @property {Int32Array} targets tokens that follow, or class ids
 * @property {number} [epoch] passes over the data completed before, from 0
 * @property {boolean} [carryMemory] of a segment: go on from the memory that the last one left
 */

/**
 * @template {TrainStep} Step
 * @typedef {{ at: (step: number) => Step }} Source
 * Where the batches come from: what a step sees depends on the number of the step alone. `TextStreams` and `Batches`
 * are such sources.
 */

/**
 * @typedef {object} EngineInfo
 * What runs.
 *
 * @property {'simd' | 'relaxed-simd'} variant of the module
 * @property {number} threads that share the work, with the one that calls
 * @property {string} threadsReason why there are so many
 * @property {string} version of the engine
 */

export {};
