/** Types of studies. */

/** @import { Labels, LabelledTexts } from '../labelled-text.js' */
/** @import { ConfigField, ModelKind } from '../types.js' */
/** @import { Vocabulary } from '../vocabulary.js' */

/** @typedef {{ configFields: (kind: ModelKind) => ConfigField[], createLanguageModel: Function, createTextClassifier: Function }} StudyEngine what is needed of an engine */

/** @typedef {Record<string, any>} Settings settings of a model or of a training, by key */

/**
 * @typedef {object} Variant
 * One of the things that a study compares.
 *
 * @property {string} label short and unique
 * @property {Settings} model its keys of the model, without common ones that would be refused for they have no effect on it
 * @property {Settings} train its keys of the training
 * @property {Record<string, string>} own keys that `vary` sets, and where
 * @property {Settings} begins settings of the model that it is fine-tuned from
 * @property {string[]} tuned keys that are tuned for it
 */

/**
 * @typedef {object} Tuning
 * How learning rate and others are chosen for each variant.
 *
 * @property {Record<string, any[]>} values values to try, by key
 * @property {number[]} seeds other seeds than those of the results
 * @property {number | undefined} steps of a run; undefined: as many as those of the results
 * @property {'grid' | 'coordinate'} search all combinations, or one key after the other
 */

/**
 * @typedef {object} Study
 * A study that was read and checked.
 *
 * @property {Record<string, any>} file as it was read
 * @property {string} name its name
 * @property {'language' | 'classify'} task what its models learn
 * @property {string[]} data files, which are joined
 * @property {{ kind: 'byte' | 'char' | 'pieces', size?: number }} vocabulary kind of tokens
 * @property {number | string[]} validation share that is held out, or files
 * @property {number | string[] | null} test share that is held out besides, or files; null: none
 * @property {boolean} chooses whether something is chosen by held-out data: by tuning, or by early stopping
 * @property {string | number} text column of the texts
 * @property {string | number} label column of the labels
 * @property {string | null} from what its classifiers begin with: a checkpoint, or the name of a study
 * @property {Variant[]} variants what is compared, the first one being what others are compared with
 * @property {number[]} seeds of the runs of each variant
 * @property {number[]} topK experts per token to evaluate with
 * @property {Tuning | null} tune how settings are chosen for each variant; null: they are not
 * @property {boolean} save whether the final parameters are kept
 * @property {'f32' | 'f16' | 'bf16'} dtype numbers of the kept files
 */

/**
 * @typedef {object} StudyRun
 * A run of a study.
 *
 * @property {string} id unique in the study; also a name of a file
 * @property {string} variant label
 * @property {number} seed of the initial values and of dropout, and of the order of the sequences
 * @property {Settings} model configuration
 * @property {Settings} train options of `train`
 * @property {Settings | null} tuning the tried values, of a run that only chooses
 */

/**
 * @typedef {object} DataFile
 * A file of a study, so that it can be told from others.
 *
 * @property {string} file path in the study
 * @property {number} bytes its length
 * @property {string} sha256 of its contents, hexadecimal
 */

/**
 * @template Part
 * @typedef {object} Parts
 * The parts of data.
 *
 * @property {Part} train what models are trained on
 * @property {Part | null} choose what tuning and early stopping choose by; null: nothing is chosen
 * @property {Part} measure what results are measured on
 */

/**
 * @typedef {{ task: 'language', vocabulary: Vocabulary } & Parts<Int32Array>} TextData
 * Tokens of a text.
 */

/**
 * @typedef {{ task: 'classify', vocabulary: Vocabulary | null, labels: Labels } & Parts<LabelledTexts>} LabelledData
 * Labelled texts; vocabulary: null if it is that of what the classifiers begin with.
 */

/** @typedef {TextData | LabelledData} StudyData the data of a study, read */

/** @typedef {{ chosen: string | null, measured: string }} HeldOut which held-out part chooses (null: none), and which one is measured */

/** @typedef {Readonly<Record<string, Uint8Array>>} StudyFiles contents of files, by their path in the study */

/** @typedef {Record<string, number | null>} Evaluation loss, and bitsPerByte or accuracy and macroF1; null: it diverged */

/**
 * @typedef {object} RunResult
 * The result of a run. It depends on nothing but the study and its data.
 *
 * @property {string} variant label
 * @property {number} seed of the run
 * @property {{ model: Settings, train: Settings, from?: string }} settings all of them, with defaults filled in; from: fingerprint
 *   of the file that it began with
 * @property {Settings} [tuning] the tried values, of a run that only chooses
 * @property {{ cut: number, replaced: number }} [texts] how many texts were longer than the context and were cut, and in how many
 *   characters that the vocabulary does not have were replaced by spaces
 * @property {number} steps that were taken
 * @property {number} [best] the step whose parameters were kept, with `patience`
 * @property {number} [diverged] the step at which the loss was no longer finite: nothing was measured
 * @property {[number, number][]} training step and mean loss of the steps before it
 * @property {[number, number][]} validations step and held-out loss, as it trained
 * @property {Evaluation} validation held-out loss of the final parameters
 * @property {Record<string, Evaluation>} byTopK the same with other numbers of experts per token
 * @property {(Record<string, number | null> & { layers: Record<string, number | number[] | null>[] }) | null} routing measures on
 *   held-out data, as means over the layers and of each layer; null without a router
 * @property {{ total: number, active: number, trainable: number }} parameters active: those that compute a token
 * @property {string} fingerprint of the final parameters, 16 hexadecimal digits
 */

/** @typedef {(id: string) => RunResult | undefined} Finished the result of a run, if it is finished */

/**
 * @typedef {object} TunedVariant
 * How the settings of a variant were chosen: by the smallest mean held-out loss over the seeds of the tuning.
 *
 * @property {string} variant label
 * @property {Settings} chosen values, by key
 * @property {{ values: Settings, losses: (number | null)[], loss: number | null }[]} points values that were tried, with the
 *   loss of each seed and its mean; null: it diverged
 * @property {string[]} skipped keys that the variant sets itself, or that have no effect on it
 * @property {string[]} edge chosen keys whose value is the first or the last of those that were tried
 */

/**
 * @typedef {object} Plan
 * What is to be run next.
 *
 * @property {StudyRun[]} runs that can be executed now, in any order
 * @property {TunedVariant[]} tuning of the variants whose tuning is finished
 * @property {number} left runs that are not finished, also those that cannot be executed yet
 */

/** @typedef {Record<string, Interval>} Summary a mean with its interval, by name of the measure */

/** @typedef {Record<string, any> & { byTopK: Record<string, Record<string, Difference>> }} Comparison differences by name of the measure, and by k */

/**
 * @typedef {object} VariantResult
 * What the runs of a variant say.
 *
 * @property {string} variant label
 * @property {number} seeds runs that were measured
 * @property {number} [diverged] runs that were not, because their loss was no longer finite
 * @property {Summary} validation held-out loss and other measures
 * @property {Record<string, Summary>} byTopK the same with other numbers of experts per token
 * @property {Summary} routing routing measures
 * @property {{ total: number, active: number, trainable: number } | null} parameters of its first run
 * @property {Comparison | null} againstFirst differences from the first variant, paired by seed; null of the first itself
 */

/**
 * @typedef {object} StudyResults
 * The results of a study, as `results.json` has them. They depend on nothing but the study and its data.
 *
 * @property {1} format version of this format
 * @property {Record<string, any>} study the study as it was read
 * @property {DataFile[]} data its files
 * @property {HeldOut} heldOut which data chose, and on which the results were measured
 * @property {number} comparisons intervals that an adjusted one is corrected for: variants less one; by k, times the numbers of k
 * @property {TunedVariant[]} [tuning] what was chosen for each variant
 * @property {RunResult[]} runs by variant, then by seed
 * @property {{ variant: string, seed: number }[]} [missing] runs that are not finished; absent if there are none
 * @property {VariantResult[]} variants in the order of the study
 */

/**
 * @typedef {object} Times
 * How long runs took, as `machine.json` has it.
 *
 * @property {string[]} machines that ran them
 * @property {{ id: string, variant: string, seed: number, seconds: number, machine: number }[]} runs machine: place in `machines`
 */

/**
 * @typedef {object} Interval
 * A mean over seeds with its interval.
 *
 * @property {number | null} mean null without a value
 * @property {number | null} low lower end; null with fewer than two values
 * @property {number | null} high upper end; null with fewer than two values
 */

/**
 * @typedef {Interval & { agree: number, seeds: number, adjusted: { low: number | null, high: number | null } }} Difference
 * A mean of paired differences; agree: how many of the `seeds` have the sign of the mean; adjusted: its interval, corrected
 * for the number of comparisons.
 */

export {};
