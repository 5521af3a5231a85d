/** Types of the package's interface. */

/**
 * @typedef {'hyperrouter' | 'smoe' | 'smoe-dropout' | 'dense' | 'cosine' | 'hash'} RouterName
 * Names of the built-in routers.
 */

/**
 * @typedef {object} RouterTensor
 * A tensor that a custom router has in each layer, as `layers.i.pos_ff.gate.NAME`. The engine trains, clips and saves it
 * like its own.
 *
 * @property {string} name up to 47 letters, digits, `_` and `.`
 * @property {number[]} shape one to three sizes
 * @property {'normal' | 'zeros' | 'ones' | undefined} [init] initial values; default 'normal'
 * @property {number | undefined} [std] standard deviation of 'normal' only; default 0.02
 * @property {boolean | undefined} [trainable] false: frozen; default true
 */

/**
 * @typedef {Record<string, Float32Array>} RouterTensors
 * Tensors by name, row-major.
 */

/**
 * @typedef {object} RouterSizes
 * What a custom router generates for.
 *
 * @property {number} experts E
 * @property {number} dModel d
 * @property {number} layer index of the layer
 */

/**
 * @typedef {object} CustomRouter
 * A router of your own. It generates R and b of each layer, which give the logits R·x + b, from tensors that it declares.
 * Pass it as `config.router`, or, for a model in a worker, the URL of a module whose default export it is. The functions
 * must depend on nothing but their arguments, and must not use the model.
 *
 * @property {string} name for messages and files
 * @property {((sizes: { experts: number, dModel: number }) => RouterTensor[]) | undefined} [parameters] the tensors of a layer;
 *   absent: none
 * @property {(tensors: RouterTensors, out: { weight: Float32Array, bias: Float32Array }, sizes: RouterSizes) => void} generate
 *   fills R (`weight` [E, d]) and b (`bias` [E]), which are 0, from copies of the tensors; called whenever parameters
 *   have changed
 * @property {((tensors: RouterTensors, gradients: { weightGrad: Float32Array, biasGrad: Float32Array }, grads: RouterTensors, sizes: RouterSizes) => void) | undefined} [backward]
 *   adds the gradients of the trained tensors to `grads`, which are 0, from those of R and b; required if there is a
 *   tensor to train
 */

/** @import { LayerMeasures } from './measures.js' */
/** @import { Signal as PlatformSignal } from './platform.js' */
/** @import { Schedule } from './schedules.js' */

/**
 * @typedef {PlatformSignal} Signal
 * An `AbortSignal`.
 */

/**
 * @typedef {ReturnType<Uint8ArrayConstructor['of']>} Bytes
 * A `Uint8Array` of its own buffer: `new Blob([bytes])` takes it.
 */

/**
 * @typedef {ReturnType<Float32ArrayConstructor['of']>} Floats
 * A `Float32Array` of its own buffer.
 */

/**
 * @typedef {ReturnType<Int32ArrayConstructor['of']>} Integers
 * An `Int32Array` of its own buffer.
 */

/**
 * @typedef {Float32Array | readonly number[] | readonly (Float32Array | readonly number[])[]} Numbers
 * Numbers that a function takes: an array of all of them, row-major, or of rows.
 */

/**
 * @typedef {Int32Array | readonly number[] | readonly (Int32Array | readonly number[])[]} Ids
 * Token or class ids that a function takes: an array of all of them, row-major, or of rows.
 */

/**
 * @template T
 * @typedef {{ [Key in keyof T]-?: Exclude<T[Key], undefined> }} Complete
 * A configuration with all its defaults filled in.
 */

/**
 * @typedef {object} SharedConfig
 * Configuration keys of all kinds of model. `engine.configFields(kind)` gives defaults and limits.
 *
 * @property {number | undefined} [layers] number of layers; default 2, 1 to 128
 * @property {number | undefined} [dModel] width of the model; even for models of text; default 64, 2 to 16384
 * @property {number | undefined} [dInner] hidden width of an expert; default 128, 1 to 65536
 * @property {number | undefined} [experts] number of experts per layer; default 8, 1 to 1024
 * @property {number | undefined} [topK] experts per token, at most experts; default 2, 1 to 1024
 * @property {RouterName | CustomRouter | undefined} [router] where the router logits come from; default 'hyperrouter'
 * @property {'topk-softmax' | 'softmax-topk' | 'sigmoid' | 'expert-choice' | 'relu' | undefined} [gate] how experts
 *   and their weights are chosen from the router logits; default 'topk-softmax'
 * @property {number | undefined} [hyperSize] hidden width of the frozen hypernetwork (`hyperrouter`); default 64, 1
 *   to 65536
 * @property {number | undefined} [batchSize] largest number of parallel streams (or sequences, or input vectors) per call; default
 *   16, 1 to 1048576
 * @property {boolean | undefined} [preLayerNorm] layer norm before each sublayer instead of after it; default false
 * @property {number | undefined} [dropout] probability of dropping an activation in training; default 0, 0 to below 1
 * @property {number | undefined} [loadBalanceWeight] weight of the load-balancing loss; default 0, 0 to 1000000
 * @property {number | undefined} [routerZWeight] weight of the router z-loss; default 0, 0 to 1000000
 * @property {number | undefined} [routerSize] width of the projection that the router `cosine` compares; default 32,
 *   1 to 16384
 * @property {number | undefined} [routerScale] factor on the router's initial values; default 1, 0 to 1000
 * @property {boolean | undefined} [routerNoise] trained noise on the router logits in training (noisy top-k); default
 *   false
 * @property {number | undefined} [sharedExperts] shared experts: one network of width sharedExperts · dInner that
 *   every token has; default 0, 0 to 1024
 * @property {number | undefined} [capacityFactor] capacity of an expert, as a multiple of an even share of the
 *   assignments; the rest is dropped; 0: no limit; default 0, 0 to 1000000
 * @property {number | undefined} [balanceRate] step of the bias that balances the load without a loss; 0: off;
 *   default 0, 0 to 1
 * @property {number | undefined} [sparsityWeight] initial weight of the sparsity loss, which steers the experts per
 *   token to `topK` (gate `relu`); 0: off; default 0, 0 to 1000000
 * @property {number | undefined} [beta1] Adam's decay of the first moment; default 0.9, 0 to below 1
 * @property {number | undefined} [beta2] Adam's decay of the second moment; default 0.999, 0 to below 1
 * @property {number | undefined} [epsilon] Adam's guard against division by zero; default 1e-8, 1e-30 to 1
 * @property {number | undefined} [weightDecay] decoupled weight decay (AdamW); default 0, 0 to 1000
 * @property {number | undefined} [seed] seed of the initial values and of dropout; default 1, 0 to 4294967295
 */

/**
 * @typedef {object} LanguageKeys
 * Configuration keys of language models only.
 *
 * @property {number | undefined} [vocabSize] number of different tokens, 256 for bytes; default 256, 1 to 1048576
 * @property {number | undefined} [heads] attention heads per layer; default 4, 1 to 1024
 * @property {number | undefined} [dHead] width of an attention head; default 16, 1 to 4096
 * @property {number | undefined} [contextLength] largest number of tokens per segment; default 64, 1 to 65536
 * @property {number | undefined} [memoryLength] tokens of Transformer-XL memory before a segment; default 64, 0 to
 *   65536
 * @property {number | undefined} [attentionDropout] probability of dropping an attention weight in training; default
 *   0, 0 to below 1
 */

/**
 * @typedef {SharedConfig & LanguageKeys} LanguageConfig
 * The configuration of a language model; every key has a default.
 */

/**
 * @typedef {object} ClassifierKeys
 * Configuration keys of classifiers only.
 *
 * @property {number | undefined} [inputSize] features per input vector; default 2, 1 to 1048576
 * @property {number | undefined} [classes] number of classes; default 2, 2 to 1048576
 */

/**
 * @typedef {SharedConfig & ClassifierKeys} ClassifierConfig
 * The configuration of a classifier; every key has a default.
 */

/**
 * @typedef {object} TextClassifierKeys
 * Configuration keys of text classifiers only.
 *
 * @property {number | undefined} [classes] number of classes; default 2, 2 to 1048576
 * @property {number | undefined} [headDropout] probability of dropping an activation of the head in training; default
 *   0.1, 0 to below 1
 */

/**
 * @typedef {SharedConfig & Omit<LanguageKeys, 'memoryLength'> & TextClassifierKeys & { memoryLength?: number | undefined }} TextClassifierConfig
 * The configuration of a text classifier; every key has a default. `memoryLength` has no effect: it may be there so that
 * the configuration of a language model fits.
 */

/**
 * @typedef {object} RegressorKeys
 * Configuration keys of regressors only.
 *
 * @property {number | undefined} [inputSize] features per input vector; default 2, 1 to 1048576
 * @property {number | undefined} [outputs] numbers per prediction; default 1, 1 to 1048576
 */

/**
 * @typedef {SharedConfig & RegressorKeys} RegressorConfig
 * The configuration of a regressor; every key has a default.
 */

/**
 * @typedef {object} Transfer
 * What a new model has of a file that it was made from.
 *
 * @property {string[]} taken tensors of the model that were taken over: the file has them by the same name and shape
 * @property {string[]} notTaken tensors of the model that keep their initial values
 * @property {string[]} unused tensors of the file that the model has no use for
 */

/**
 * @typedef {object} Parameter
 * A tensor of a model. `data` and `grad` are copies.
 *
 * @property {string} name as in the `state_dict` of the published PyTorch code
 * @property {number[]} shape sizes, outermost first
 * @property {boolean} trainable false if the tensor is frozen
 * @property {Floats} data elements, row-major
 * @property {Floats | null} grad gradient of the last `gradients` or `trainStep`, before clipping; null if frozen
 */

/**
 * @typedef {object} LayerRouting
 * Routing of one layer in the last call, as copies. N tokens in [batch, length] order, K of E experts per token.
 *
 * @property {Integers} experts [N, K] ids of the chosen experts, in descending order of logit; ties go to the lower
 *   id. Where the number of experts varies, K is the largest of this call, and a token with fewer is filled up with -1
 * @property {Floats} weights [N, K] of the chosen experts, as the gate computes them; 0 where an assignment was
 *   dropped, or there is none
 * @property {Floats} logits [N, E] router logits
 * @property {Floats} load [E] expert load: share of the assignments that each expert gets
 * @property {Integers} dropped [E] assignments that exceeded the expert's capacity
 * @property {number} entropy router entropy: mean over tokens of -Σ p ln p / ln E, p the softmax over all E logits
 */

/**
 * @typedef {object} MemoryUse
 * Memory of a model in bytes, by kind.
 *
 * @property {number} tables internal records
 * @property {number} parameters all tensors: trained, frozen, state, and R and b of a router of your own
 * @property {number} gradients of what is trained, and of R and b that a router generates
 * @property {number} moments Adam's first and second moments
 * @property {number} activations kept for the backward pass, including inputs and logits
 * @property {number} context Transformer-XL memory and the cache of generation
 * @property {number} scratch intermediate results
 * @property {number} total sum of all kinds
 */

/**
 * @typedef {object} ConfigOption
 * One option of a configuration key that chooses.
 *
 * @property {string} name the value of the key
 * @property {string} label readable name
 * @property {string} summary what it does, in one line
 * @property {string[]} traits what it does or takes; other keys may require some of them. Of routers, `routes`: tokens are
 *   routed to experts; `learns`: training changes the logits of a given input; `hypernetwork`: a frozen hypernetwork
 *   generates R and b; `matrix`: logits are R·x + b; `projection`: they are those of a projection of x; `scale`:
 *   `routerScale` scales its initial values; `gated`: any gate can choose from its logits; `tokens`: it needs token ids;
 *   `external`: R and b come from a program of the caller.
 *   Of gates, `topK`: every token gets k experts; `varies`: any number; `sparsity`: a loss steers that number; `sigmoid`:
 *   experts are scored by the logistic function; `normalised`: the weights of a token sum to 1; `probabilities`: they are
 *   those of a softmax over all experts; `differentiable`: their gradient reaches the logits; `amongTokens`: experts choose
 *   among all tokens of a call
 */

/**
 * @typedef {object} ConfigField
 * Description of a configuration key, for options, controls, help and documentation.
 *
 * @property {string} name the key
 * @property {string} summary meaning, in one line
 * @property {'integer' | 'number' | 'boolean' | 'choice'} type type of its values
 * @property {number | boolean | string} default value if it is not given
 * @property {number | undefined} [min] smallest value, for numbers
 * @property {number | undefined} [max] largest value, for numbers; see `exclusiveMax`
 * @property {boolean | undefined} [exclusiveMax] whether values must be below `max`
 * @property {number | undefined} [multipleOf] 2 if the number must be even
 * @property {string[] | undefined} [choices] names of the options of a choice
 * @property {ConfigOption[] | undefined} [options] options of a choice
 * @property {ConfigOption | undefined} [custom] of `router`: what a router of your own does and takes
 * @property {string[]} requires traits that the chosen options must have for this key to have an effect; see
 *   `fieldsInUse`
 * @property {boolean} shape whether it sets the shape of a tensor: a checkpoint cannot be opened without it
 * @property {boolean} strict where it has no effect, whether any other value than its default is refused; otherwise it is
 *   ignored there
 */

/**
 * @typedef {'language' | 'classifier' | 'text-classifier' | 'regressor'} ModelKind
 * The kinds of models.
 */

/**
 * @typedef {Omit<ConfigOption, 'name'> & { name: RouterName, routes: boolean }} Router
 * An option of `config.router`; `routes` is false for `dense`, which has one network for all tokens.
 */

/**
 * @typedef {object} StepOptions
 * Options of one step of training.
 *
 * @property {number} learningRate learning rate of this step, 0 to 1e30
 * @property {number | undefined} [clip] clips the gradient to this global norm; 0 (default): no clipping
 */

/**
 * @typedef {object} HeadRate
 * Option of classifiers and regressors, which have a head: what stands behind their layers.
 *
 * @property {number | undefined} [headLearningRate] learning rate of the head, 0 to 1e30; default: that of the body. In
 *   `train` it follows the schedule as `learningRate` does, which must be given then, also when a run is resumed. A body whose `learningRate` is 0 is
 *   frozen: it takes no gradient, and neither its balance nor its sparsity changes; `gradNorm` is that of the head
 */

/**
 * @typedef {object} ClassWeights
 * Option of classifiers.
 *
 * @property {Numbers | undefined} [classWeights] [classes] weights of the classes in the loss, 1e-20 to 1e20 each, which is the weighted
 *   mean Σ w·nats / Σ w, w being the weight of the target (as PyTorch's `CrossEntropyLoss(weight)`); default: 1 each. A
 *   validation is not weighted
 */

/**
 * @typedef {object} StepResult
 * Result of `trainStep` and `gradients`.
 *
 * @property {number} loss mean cross-entropy, nats per token, vector or sequence; of a regressor, the mean squared error
 * @property {number} gradNorm global norm of the gradient, before clipping
 * @property {number} auxiliaryLoss weighted load-balancing loss and router z-loss; not included in `loss`
 */

/**
 * @template [Validation=any], [Probe=any]
 * @typedef {object} TrainOptions
 * Options of `model.train`.
 *
 * @property {number | undefined} [steps] number of steps of the run, which begins at the model's `step`; default 1000, 1 or
 *   more. With `resume`, of the whole run, with the steps that it has taken.
 * @property {boolean | undefined} [resume] goes on with the model's `run`, which was interrupted: with all its options, at the
 *   step where it stopped, with the same bits; default false. `data` must be the same, `validation` and `probe` are passed
 *   again, and so is a schedule that is a function. What else is passed replaces what the run had; `seed` cannot be.
 * @property {number | undefined} [every] steps between two progress events; default 1, 1 or more. The last step, each validation
 *   and each measurement always give one.
 * @property {Signal | undefined} [signal] aborts training between two steps
 * @property {number | undefined} [learningRate] peak learning rate of a named schedule; default 0.003, above 0
 * @property {'cosine' | 'constant' | Schedule | undefined} [schedule] learning rate schedule: a name (default 'cosine'), over the
 *   steps of the run, after a warm-up; or a function of `model.step`
 * @property {number | undefined} [warmup] steps of linear warm-up of a named schedule; default a tenth of the steps, at most 50;
 *   0 to steps
 * @property {number | undefined} [floor] final learning rate of the schedule 'cosine'; default 0, 0 to learningRate
 * @property {'constant' | 'linear_increase' | Schedule | undefined} [topKSchedule] experts per token; default
 *   'constant', which leaves `model.topK` as it is; 'linear_increase' lets it grow from `topKMin` to `topKMax` over the steps
 *   of the run; or a function of `model.step`
 * @property {number | undefined} [topKMin] experts per token at the start of 'linear_increase'; default 1, 1 to topKMax
 * @property {number | undefined} [topKMax] experts per token at the end of 'linear_increase'; default `config.topK`, 1 to
 *   `config.experts`
 * @property {number | undefined} [clip] clips the gradient to this global norm; default 0.25, 0 or more; 0: no clipping
 * @property {Validation | undefined} [validation] held-out data, for `validationLoss` and `validation`
 * @property {number | undefined} [validateEvery] steps between validations; default a tenth of all, 1 or more. The last step is
 *   always validated. Needs `validation`.
 * @property {number | undefined} [patience] ends the run when this many validations in a row have not been better than the best
 *   one before them, and puts the parameters of the best one back at its end; default 0: neither. `step`, the optimizer's
 *   state and the memory stay those of the last step. Needs `validation`.
 * @property {Probe | undefined} [probe] data to measure the routing on, for `measures`
 * @property {Ids | undefined} [probeClasses] classes of the probe; see the option `classes` of `measure`
 * @property {number | undefined} [measureEvery] steps between measurements; default a tenth of all, 1 or more. The last step is
 *   always measured. Needs `probe`.
 * @property {number | undefined} [seed] seed of the order of vectors or sequences; default 0, 0 to 4294967295. A text, a source
 *   and a stream have an order of their own: for them it must be left out.
 */

/**
 * @template [Evaluation={ loss: number }]
 * @typedef {object} TrainProgress
 * A progress event of `model.train`.
 *
 * @property {number} step total number of steps that the model has taken
 * @property {number} epoch completed passes over the data before this step
 * @property {number} loss mean over the steps since the last progress event, as that of `trainStep`
 * @property {number} gradNorm global norm of the gradient of the last step, before clipping
 * @property {number} learningRate learning rate of the last step
 * @property {number} topK experts per token in the last step
 * @property {number} tokensPerSecond training speed since the last progress event, in tokens (or vectors, or sequences) per second
 * @property {number | null} validationLoss nats per token, vector or sequence (of a regressor, the mean squared
 *   error); null without a validation at this step
 * @property {Evaluation | null} validation the same, with bits per token or accuracy; null as `validationLoss`
 * @property {{ step: number, loss: number } | null} best the best validation so far, with `patience`: the parameters of this
 *   step are those of the model after the last progress event; null without
 * @property {LayerMeasures[] | null} measures routing metrics, one entry per layer; null without a measurement at this
 *   step
 */

/**
 * @typedef {object} TrainStep
 * Input of a training step of any model.
 *
 * @property {Ids | Numbers} targets next tokens, class ids, or numbers of a regressor
 * @property {number | undefined} [epoch] completed passes over the data
 * @property {boolean | undefined} [carryMemory] of a segment: continue from the memory that the last call left
 */

/**
 * @template Event
 * @typedef {import('./training.js').Training<Event>} Training
 * A training: an iterator of its progress events, and the promise of the last one.
 */

/**
 * @template {TrainStep} Step
 * @typedef {{ at: (step: number) => Step | PromiseLike<Step> }} Source
 * A source of training data. The data of a step depends only on the number of the step. `TextStreams` and `Batches` are
 * sources.
 */

/**
 * @template Item
 * @typedef {AsyncIterable<Item> | Iterable<Item> | { getReader: () => ItemReader<Item> }} StreamOf
 * Data that come one after the other: a `ReadableStream`, an async generator, an iterable. Each item is waited for when it
 * is needed. What can be iterated again gives further epochs; otherwise the training ends with a RangeError where the data
 * end before the last step. A run that is resumed passes over the steps that it has taken: pass the stream from its beginning.
 */

/**
 * @template Item
 * @typedef {object} ItemReader
 * The reader of a `ReadableStream`.
 *
 * @property {() => Promise<{ done: boolean, value?: Item | undefined }>} read the next item
 * @property {() => void} releaseLock gives the stream back
 * @property {() => Promise<void>} cancel ends the stream
 */

/**
 * @typedef {object} DataRecord
 * What data a run is trained on.
 *
 * @property {'tokens' | 'vectors' | 'sequences'} kind what they are
 * @property {number} count how many they are
 * @property {string} fingerprint tells them apart from others
 * @property {number} batchSize streams, vectors or sequences per step
 * @property {number} length tokens per stream and step; 1 for vectors
 */

/**
 * @typedef {object} TrainingRun
 * A run: its options, with all defaults filled in, and how far it is. Numbers of a named schedule are not used where the
 * schedule is a function.
 *
 * @property {number} start the model's `step` where it began
 * @property {number} steps number of steps of the whole run
 * @property {string} schedule 'cosine', 'constant' or 'function'
 * @property {number} learningRate peak learning rate
 * @property {number} warmup steps of linear warm-up
 * @property {number} floor final learning rate of the schedule 'cosine'
 * @property {string} topKSchedule 'constant', 'linear_increase' or 'function'
 * @property {number} topKMin experts per token at the start of 'linear_increase'
 * @property {number} topKMax experts per token at the end of 'linear_increase'
 * @property {number} clip largest global norm of the gradient; 0: no clipping
 * @property {number} every steps between two progress events
 * @property {number} validateEvery steps between validations
 * @property {number} measureEvery steps between measurements
 * @property {number} seed seed of the order of vectors or sequences
 * @property {{ body: number, head: number } | null} shares shares of the learning rate that body and head are trained with;
 *   null: both with all of it
 * @property {readonly number[] | null} classWeights weight of each class in the loss; null: all the same
 * @property {number} patience validations without improvement after which it ends; 0: it does not
 * @property {DataRecord | null} data what it is trained on; null: a source or a stream
 * @property {number} losses sum of the losses since the last progress event
 * @property {number} taken number of steps since the last progress event
 * @property {{ epoch: number, gradNorm: number, learningRate: number } | null} due of the last step, if its progress event
 *   is still to come; otherwise null
 * @property {{ step: number, loss: number } | null} best the best validation of a run with patience
 * @property {number} waited validations since the best one
 * @property {'steps' | 'patience' | null} ended why it has ended; null: it is going on, or was interrupted
 */

/**
 * @typedef {object} EngineInfo
 * Information about a loaded engine.
 *
 * @property {'simd' | 'relaxed-simd'} variant variant of the module
 * @property {number} threads number of threads, including the calling one
 * @property {string} threadsReason reason for the number of threads
 * @property {string} version version of the engine
 */

export {};
