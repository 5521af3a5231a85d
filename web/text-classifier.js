import { checkClasses, checkKeys, checkOptions, refuseLength, toIntegers } from './check.js';
import { isStream } from './data-stream.js';
import { Model } from './model.js';
import { INPUT, OPTIONS, optionsOf } from './options.js';
import { readClassWeights, splitParts, withParts } from './parts.js';
import { ProbeHistory } from './probe-history.js';
import { recordOf } from './run.js';
import { evaluateSequences, SequenceBatches } from './sequences.js';
import { partsOf, readLabelled, readSequences, rowsOf } from './token-rows.js';
import { isSource, sourceOf, train } from './training.js';

/** @import { LayerMeasures } from './measures.js' */
/** @import { ClassTargets, LabelledSequences, SequenceEvaluation, TokenSequences } from './sequences.js' */
/** @import { PackedSequences } from './token-rows.js' */
/** @import { TrainedModel, Training } from './training.js' */
/** @import { ClassWeights, Complete, Floats, HeadRate, Ids, Source, StepOptions, StreamOf, TextClassifierConfig, TrainOptions, TrainProgress, Transfer } from './types.js' */

/**
 * A classifier of token sequences: the body of a language model without memory, and a head that reads the output of the last
 * token of each sequence. Padding is neither attended to, nor routed, nor counted, and costs nothing. Created by
 * `engine.createTextClassifier()` or `engine.loadCheckpoint()`.
 * @extends {Model<Complete<TextClassifierConfig>, LabelledSequences & ClassWeights, StepOptions & HeadRate>}
 */
export class TextClassifier extends Model {
  #probes = new ProbeHistory();

  /**
   * What was taken over of the file that `createTextClassifier(config, { from })` was given; null without one.
   * @type {Readonly<Transfer> | null}
   */
  transfer = null;

  /** The kind of model. @override */
  get kind() {
    return /** @type {const} */ ('text-classifier');
  }

  /**
   * Class probabilities of any number of sequences. Afterwards `routing()` and `logits()` are those of the last batchSize of
   * them, or what is left for the last batch.
   * @param {TokenSequences} sequences inputs [n, T] with lengths [n], or an array of rows
   * @returns {Floats} [n, classes]
   * @throws {TypeError | RangeError} naming the argument
   */
  predict(sequences) {
    const keys = INPUT['text-classifier'].filter((key) => key !== 'targets');
    const packed = readSequences('', checkKeys('sequences', 'predict', sequences, keys), this.config);
    const { batchSize, classes } = this.config;
    const probabilities = new Float32Array(packed.lengths.length * classes);
    let first = 0;
    for (const { lengths, start } of partsOf(packed, batchSize)) {
      const end = lengths.reduce((sum, length) => sum + length, first);
      const pass = this.#put({ tokens: packed.tokens.subarray(first, end), lengths });
      this.prepare();
      probabilities.set(this.core.predict(this.address, pass), start * classes);
      first = end;
    }
    return probabilities;
  }

  /**
   * Trains on sequences in batches of batchSize, reshuffled each epoch.
   *
   *     for await (const { step, loss } of model.train({ inputs, lengths, targets }, { steps: 500 })) console.log(step, loss);
   *
   * Yields to the event loop between steps, and stops when you leave the loop.
   * @param {LabelledSequences | Source<LabelledSequences & { epoch?: number | undefined }> | StreamOf<LabelledSequences>} data
   *   any number of sequences, a source of the batch of each step, or a stream of batches
   * @param {TrainOptions<LabelledSequences, TokenSequences & Partial<ClassTargets>> & HeadRate & ClassWeights} [options]
   *   how to train. Fine-tuning of a pretrained body needs a low `learningRate` and a higher `headLearningRate`
   * @returns {Training<TrainProgress<SequenceEvaluation>>} progress events; `await` trains to the end and gives the last one
   * @throws {TypeError | RangeError} at once, naming the argument
   * @throws {DivergedError} from the generator: the loss or the gradient is not finite; the parameters are those after
   *   the last good step
   */
  train(data, options = {}) {
    const given = checkOptions('train', options, optionsOf(this.kind, 'train'));
    const { validation, probe, probeClasses, signal } = given;
    const { batchSize, classes, contextLength: length } = this.config;
    const rest = splitParts(/** @type {typeof options} */ (given), classes);
    const packed = isSource(data) || isStream(data) ? undefined : this.#readData('data', data);
    const held =
      validation === undefined ? undefined : labelledRows(this.#readData('validation', validation));
    const probed = probe === undefined ? undefined : this.#readProbe(probe, probeClasses, 'probeClasses');
    return train(/** @type {TrainedModel<any>} */ (/** @type {unknown} */ (this)), rest, {
      source: packed
        ? ({ seed }) => new SequenceBatches(labelledRows(packed), { batchSize, seed })
        : sourceOf(/** @type {any} */ (data), { batchSize }),
      data:
        packed &&
        recordOf('sequences', [packed.tokens, packed.lengths, packed.targets], packed.lengths.length, {
          batchSize,
          length,
        }),
      adapt: withParts,
      validate: held && (() => evaluateSequences(this, held, { signal })),
      measure: probed && (() => this.#measure(probed)),
    });
  }

  /**
   * Routing metrics of the tokens of a probe, with the current `topK`; see `LayerMeasures`. Afterwards `routing()` and
   * `logits()` are those of the last part of the probe. The routing of a probe is remembered, so that the next
   * measurement of the same probe has a switch rate.
   * @param {TokenSequences & Partial<ClassTargets>} probe sequences; their targets, if any, are the classes of their tokens
   * @param {{ classes?: Ids | undefined }} [options] classes: [N] the class of each token, sequence after sequence without
   *   padding, or [n] of each sequence, for `specialisation`
   * @returns {LayerMeasures[]} one entry per layer; layers without a router (dense) have none
   * @throws {TypeError | RangeError} naming the argument
   */
  measure(probe, options = {}) {
    const { classes } = checkOptions('measure', options, OPTIONS.measure);
    return this.#measure(this.#readProbe(probe, classes, 'classes'));
  }

  /** @param {{ packed: PackedSequences, classes: Int32Array | undefined }} probe */
  #measure({ packed, classes }) {
    const { batchSize, experts: count } = this.config;
    const passes = partsOf(packed, batchSize).map(({ inputs }) => {
      this.predict({ inputs });
      return { routing: this.routing(), similarity: this.expertSimilarity() };
    });
    const { lengths, tokens } = packed;
    const identity = new Int32Array(lengths.length + tokens.length);
    identity.set(lengths);
    identity.set(tokens, lengths.length);
    return this.#probes.measure(identity, passes, { count, topK: this.topK, classes });
  }

  /**
   * @param {unknown} probe
   * @param {unknown} given classes
   * @param {string} name of the classes
   */
  #readProbe(probe, given, name) {
    const { targets, ...sequences } = checkKeys('probe', 'a probe', probe, INPUT['text-classifier']);
    const packed = readSequences('probe.', sequences, this.config);
    const ids = given ?? targets;
    if (ids === undefined) return { packed, classes: undefined };
    const where = given ? name : 'probe.targets';
    return { packed, classes: classesOfTokens(where, ids, packed) };
  }

  /**
   * @param {string} name
   * @param {unknown} data
   */
  #readData(name, data) {
    const keys = INPUT['text-classifier'];
    return readLabelled(`${name}.`, checkKeys(name, 'data of a text classifier', data, keys), this.config);
  }

  /**
   * @protected
   * @override
   * @param {LabelledSequences & ClassWeights} batch
   */
  put({ inputs, lengths, targets, classWeights }) {
    const { address, core, config } = this;
    const packed = readLabelled('', { inputs, lengths, targets }, { ...config, most: config.batchSize });
    const weights = readClassWeights(classWeights, config.classes);
    core.putIds(address, 'target', packed.targets);
    core.setClassWeights(address, weights);
    return this.#put(packed);
  }

  /** @param {PackedSequences} packed checked */
  #put({ tokens, lengths }) {
    const { address, core, config } = this;
    core.putIds(address, 'token', tokens);
    core.putIds(address, 'length', lengths);
    return { batch: lengths.length, length: config.contextLength, carryMemory: false };
  }
}

/**
 * The data as they were read and checked: what the caller passed may give something else the next time.
 * @param {PackedSequences & { targets: Int32Array }} packed
 * @returns {LabelledSequences}
 */
const labelledRows = (packed) => ({ inputs: rowsOf(packed), targets: packed.targets });

/**
 * @param {string} name
 * @param {unknown} given a class for each token or for each sequence
 * @param {PackedSequences} packed
 */
function classesOfTokens(name, given, { tokens, lengths }) {
  const ids = toIntegers(name, given);
  if (ids.length === tokens.length) return checkClasses(name, ids, tokens.length);
  if (ids.length !== lengths.length) {
    refuseLength(
      name,
      `one number for each of the ${tokens.length} tokens or ${lengths.length} sequences`,
      ids,
    );
  }
  checkClasses(name, ids, lengths.length);
  const all = new Int32Array(tokens.length);
  let at = 0;
  lengths.forEach((length, i) => {
    all.fill(ids[i], at, at + length);
    at += length;
  });
  return all;
}
