/**
 * A checkpoint that cannot be opened: truncated, lying about its tensors, or not made for this model.
 */
export class CheckpointError extends Error {
  /** The name of the class. */
  name = 'CheckpointError';
}

/**
 * The memory that a model needs cannot be had. Nothing was created.
 */
export class OutOfMemoryError extends Error {
  /** The name of the class. */
  name = 'OutOfMemoryError';

  /**
   * @param {string} message what was wrong
   * @param {number} bytes that were asked for
   */
  constructor(message, bytes) {
    super(message);
    /** Bytes that were asked for. */
    this.bytes = bytes;
  }
}

/**
 * The loss or the gradient is no longer a finite number. The parameters are those of the last good step.
 */
export class DivergedError extends Error {
  /** The name of the class. */
  name = 'DivergedError';

  /**
   * @param {string} message what was wrong
   * @param {number} step that failed, counted from 1
   */
  constructor(message, step) {
    super(message);
    /** The step that failed, counted from 1. */
    this.step = step;
  }
}

/**
 * A model or an engine was used after `dispose()`.
 */
export class DisposedError extends Error {
  /** The name of the class. */
  name = 'DisposedError';
}

/**
 * The engine cannot be loaded or went down: no WebAssembly SIMD, bytes that are not the module, a trap.
 */
export class EngineError extends Error {
  /** The name of the class. */
  name = 'EngineError';
}
