import { Model } from './model.js';

/** @import { LayerMeasures } from '../measures.js' */
/** @import { ClassTargets, LabelledSequences, SequenceEvaluation, TokenSequences } from '../sequences.js' */
/** @import { Training } from '../training.js' */
/** @import { ClassWeights, Complete, Floats, HeadRate, Ids, Source, StepOptions, StreamOf, TextClassifierConfig, TrainOptions, TrainProgress, Transfer } from '../types.js' */
/** @import { CallOptions } from './engine.js' */

/**
 * A classifier of token sequences in a worker. Created by `engine.createTextClassifier()` or `engine.loadCheckpoint()`.
 * @extends {Model<Complete<TextClassifierConfig>, LabelledSequences & ClassWeights, StepOptions & HeadRate>}
 */
export class TextClassifier extends Model {
  /**
   * What was taken over of the file that `createTextClassifier(config, { from })` was given; null without one.
   * @type {Readonly<Transfer> | null}
   */
  transfer = null;

  /**
   * Class probabilities of any number of sequences.
   * @param {TokenSequences} sequences inputs [n, T] with lengths [n], or an array of rows
   * @param {CallOptions} [options] options of the call
   * @returns {Promise<Floats>} [n, classes]
   */
  predict(sequences, options) {
    return this.call('predict', [sequences], options);
  }

  /**
   * Trains in the worker. Nothing is computed between a progress event and the request for the next: choose a large
   * `every`. Other calls of the model are executed between two steps.
   * @param {LabelledSequences | Source<LabelledSequences & { epoch?: number | undefined }> | StreamOf<LabelledSequences>} data
   *   any number of sequences, a source of the batch of each step, or a stream of batches
   * @param {TrainOptions<LabelledSequences, TokenSequences & Partial<ClassTargets>> & HeadRate & ClassWeights & CallOptions} [options]
   *   how to train
   * @returns {Training<TrainProgress<SequenceEvaluation>>} progress events; `await` trains to the end and gives the last one.
   *   Arguments are checked when the first is requested
   */
  train(data, options = {}) {
    return this.training(data, options);
  }

  /**
   * Routing metrics of the tokens of a probe.
   * @param {TokenSequences & Partial<ClassTargets>} probe sequences; their targets, if any, are the classes of their tokens
   * @param {{ classes?: Ids | undefined } & CallOptions} [options] classes: [N] the class of each token, or [n] of each
   *   sequence
   * @returns {Promise<LayerMeasures[]>} one entry per layer
   */
  measure(probe, options = {}) {
    return this.callWith('measure', [probe], options);
  }
}
