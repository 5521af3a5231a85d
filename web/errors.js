import { clean } from './message.js';

/**
 * A checkpoint cannot be opened: it is truncated, inconsistent, or not of this model.
 */
export class CheckpointError extends Error {
  /** The name of the class. */
  name = 'CheckpointError';

  /**
   * @param {string} message description of the error
   * @param {{ cause?: unknown }} [options] cause: what led to it
   */
  constructor(message, options) {
    super(clean(message), options);
  }
}

/**
 * There is not enough memory for a model. Nothing was created.
 */
export class OutOfMemoryError extends Error {
  /** The name of the class. */
  name = 'OutOfMemoryError';

  /**
   * @param {string} message description of the error
   * @param {number} bytes that the model needs
   * @param {{ cause?: unknown }} [options] cause: the underlying error
   */
  constructor(message, bytes, options) {
    super(clean(message), options);
    /** Bytes that the model needs. */
    this.bytes = bytes;
  }
}

/**
 * Training diverged: the loss or the gradient is no longer finite. The parameters are those after the last good step.
 */
export class DivergedError extends Error {
  /** The name of the class. */
  name = 'DivergedError';

  /**
   * @param {string} message description of the error
   * @param {number} step that failed, counted from 1
   */
  constructor(message, step) {
    super(clean(message));
    /** The step that failed, counted from 1. */
    this.step = step;
  }
}

/**
 * A router of the caller's own failed: it threw, or it wrote what is no number or where it may not. The parameters are
 * those after the last good step.
 */
export class RouterError extends Error {
  /** The name of the class. */
  name = 'RouterError';

  /**
   * @param {string} message description of the error
   * @param {{ cause?: unknown }} [options] cause: what led to it
   */
  constructor(message, options) {
    super(clean(message), options);
  }
}

/**
 * A model or an engine was used after `dispose()`.
 */
export class DisposedError extends Error {
  /** The name of the class. */
  name = 'DisposedError';

  /**
   * @param {string} message description of the error
   * @param {{ cause?: unknown }} [options] cause: what led to it
   */
  constructor(message, options) {
    super(clean(message), options);
  }
}

/**
 * The engine cannot be loaded, or it crashed: no WebAssembly SIMD, bytes that are not the module, a WebAssembly trap.
 */
export class EngineError extends Error {
  /** The name of the class. */
  name = 'EngineError';

  /**
   * @param {string} message description of the error
   * @param {{ cause?: unknown }} [options] cause: what led to it
   */
  constructor(message, options) {
    super(clean(message), options);
  }
}
