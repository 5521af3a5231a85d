import { TextStreams } from 'hyperrouter-wasm';
import { noExpert, widthOf } from '../routing.js';
import { unread } from '../text/frame.js';

/** Streams are not made shorter than this many segments: each begins with nothing in the model's memory. */
const leastSegments = 8;

/**
 * Which experts take the tokens of a text of some thousand: the few hundred of the probe are too few to say what an
 * expert takes more of than others do. A letter that makes 2 % of a text comes 8 times in the probe, 80 times here.
 */
export class Sample {
  #streams;
  #layers;
  #experts;
  /**
   * Of the model when it read the text, its k among them; undefined: not yet.
   *
   * @type {{ step: number, topK: number } | undefined}
   */
  read;
  /** The most experts that a token of it has, K. */
  topK = 0;
  /** [layers, S, K] */
  experts = new Int16Array();

  /**
   * @param {Int32Array} tokens [S] two at least
   * @param {{ layers: number, experts: number, batchSize: number, contextLength: number }} config layers: those with a
   *   router
   */
  constructor(tokens, { layers, experts, batchSize, contextLength: length }) {
    this.tokens = tokens;
    const longEnough = Math.floor(tokens.length / (leastSegments * length));
    /** Streams that the text is read in. */
    this.batchSize = Math.max(1, Math.min(batchSize, longEnough));
    this.#streams = new TextStreams(tokens, { batchSize: this.batchSize, length });
    this.#layers = layers;
    this.#experts = experts;
  }

  /** @param {{ step: number, topK: number }} model that will be asked now */
  begin({ step, topK }) {
    this.read = { step, topK };
    this.topK = 0;
    this.#widen(topK);
  }

  /**
   * Makes room for more experts of a token. What was noted stays.
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
   * Notes what a segment's routing was.
   *
   * @param {number} segment from 0
   * @param {readonly import('../routing.js').LayerRouting[]} routing of its tokens, [streams, length] in order
   */
  note(segment, routing) {
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
   * Reads the whole text now. The memory of training stays as it was.
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
        this.note(segment, model.routing());
      }
    } finally {
      model.restoreMemory(saved);
    }
  }
}
