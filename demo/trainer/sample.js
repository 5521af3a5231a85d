import { TextStreams } from 'hyperrouter-wasm';
import { noExpert, widthOf } from '../routing.js';
import { unread } from '../text/frame.js';

/** Minimum length of a stream in segments: each stream starts with an empty memory. */
const minSegments = 8;

/**
 * The experts of a few thousand tokens. The few hundred of the probe are too few to tell what an expert specialises in:
 * a letter that makes up 2 % of a text occurs 8 times in the probe, 80 times here.
 */
export class Sample {
  #streams;
  #layers;
  #experts;
  /**
   * Step and k of the model when it read the text; undefined: not yet.
   *
   * @type {{ step: number, topK: number } | undefined}
   */
  read;
  /** K: the largest number of experts per token. */
  topK = 0;
  /** [layers, S, K] */
  experts = new Int16Array();

  /**
   * @param {Int32Array} tokens [S] at least two
   * @param {{ layers: number, experts: number, batchSize: number, contextLength: number }} config layers: those
   *   with a router
   */
  constructor(tokens, { layers, experts, batchSize, contextLength: length }) {
    this.tokens = tokens;
    const longEnough = Math.floor(tokens.length / (minSegments * length));
    /** Streams in which the text is read. */
    this.batchSize = Math.max(1, Math.min(batchSize, longEnough));
    this.#streams = new TextStreams(tokens, { batchSize: this.batchSize, length });
    this.#layers = layers;
    this.#experts = experts;
  }

  /** @param {{ step: number, topK: number }} model that reads it now */
  begin({ step, topK }) {
    this.read = { step, topK };
    this.topK = 0;
    this.#widen(topK);
  }

  /**
   * Makes room for more experts per token. Recorded rows are kept.
   *
   * @param {number} topK larger than before
   */
  #widen(topK) {
    const [before, had] = [this.experts, this.topK];
    this.topK = topK;
    this.experts = new Int16Array(this.#layers * this.tokens.length * topK).fill(unread);
    if (!had) return;
    for (let row = 0; row < this.#layers * this.tokens.length; row++) {
      if (before[row * had] === unread) continue;
      this.experts.fill(noExpert, row * topK, (row + 1) * topK);
      this.experts.set(before.subarray(row * had, (row + 1) * had), row * topK);
    }
  }

  /**
   * Records the routing of a segment.
   *
   * @param {number} segment from 0
   * @param {readonly import('../routing.js').LayerRouting[]} routing of its tokens, [streams, length] in order
   */
  record(segment, routing) {
    const own = widthOf(routing, this.#experts);
    if (own > this.topK) this.#widen(own);
    const { length: usual, streamLength } = this.#streams;
    const start = segment * usual;
    const length = Math.min(usual, streamLength - 1 - start);
    const { topK } = this;
    routing.forEach(({ experts }, layer) => {
      const columns = experts.length / (this.batchSize * length);
      for (let stream = 0; stream < this.batchSize; stream++) {
        for (let i = 0; i < length; i++) {
          const from = (stream * length + i) * columns;
          const to = (layer * this.tokens.length + stream * streamLength + start + i) * topK;
          this.experts.fill(noExpert, to, to + topK);
          for (let k = 0; k < columns; k++) this.experts[to + k] = experts[from + k];
        }
      }
    });
  }

  /**
   * Reads the whole text now. The model's memory is restored afterwards.
   *
   * @param {import('hyperrouter-wasm').LanguageModel} model
   */
  readWith(model) {
    const saved = model.saveMemory();
    try {
      this.begin(model);
      for (let segment = 0; segment < this.#streams.segments; segment++) {
        const { epoch: _, ...part } = this.#streams.at(segment);
        model.evaluate(part);
        this.record(segment, model.routing());
      }
    } finally {
      model.restoreMemory(saved);
    }
  }
}
