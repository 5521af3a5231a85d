import { TextStreams } from 'hyperrouter-wasm';

/** What stands for an expert where a token was not read. */
export const unread = 0xffff;

/** Streams are not made shorter than this many segments: each begins with nothing in the model's memory. */
const leastSegments = 8;

/**
 * Which experts take the tokens of a text of some thousand: the few hundred of the probe are too few to say what an
 * expert takes more of than others do. A letter that makes 2 % of a text comes 8 times in the probe, 80 times here.
 */
export class Sample {
  #streams;
  #layers;
  /**
   * Of the model when it read the text; undefined: not yet.
   *
   * @type {{ step: number, topK: number } | undefined}
   */
  read;
  /** [layers, S, K] */
  experts = new Uint16Array();

  /**
   * @param {Int32Array} tokens [S] two at least
   * @param {{ layers: number, batchSize: number, contextLength: number }} config layers: those with a router
   */
  constructor(tokens, { layers, batchSize, contextLength: length }) {
    this.tokens = tokens;
    const longEnough = Math.floor(tokens.length / (leastSegments * length));
    /** Streams that the text is read in. */
    this.batchSize = Math.max(1, Math.min(batchSize, longEnough));
    this.#streams = new TextStreams(tokens, { batchSize: this.batchSize, length });
    this.#layers = layers;
  }

  /** @param {{ step: number, topK: number }} model that will be asked now */
  begin({ step, topK }) {
    this.read = { step, topK };
    this.experts = new Uint16Array(this.#layers * this.tokens.length * topK).fill(unread);
  }

  /**
   * Notes what a segment's routing was.
   *
   * @param {number} segment from 0
   * @param {readonly import('../measures.js').LayerRouting[]} routing of its tokens, [streams, length] in order
   */
  note(segment, routing) {
    const { topK } = /** @type {{ topK: number }} */ (this.read);
    const { length: usual, streamLength } = this.#streams;
    const start = segment * usual;
    const length = Math.min(usual, streamLength - 1 - start);
    routing.forEach(({ experts }, layer) => {
      for (let stream = 0; stream < this.batchSize; stream++) {
        const from = stream * length * topK;
        const to = (layer * this.tokens.length + stream * streamLength + start) * topK;
        this.experts.set(experts.subarray(from, from + length * topK), to);
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
