/**
 * Errors of the command line: a message of one line, and an exit code.
 *
 * @module
 */

/** Exit codes: 1 if the command failed, 2 if the command line is invalid. */
export const FAILURE = 1;
export const USAGE = 2;

/**
 * An error whose message is for the user of the command line.
 */
export class CommandError extends Error {
  name = 'CommandError';

  /**
   * @param {string} message
   * @param {{ exitCode?: number, cause?: unknown }} [options]
   */
  constructor(message, { exitCode = FAILURE, cause } = {}) {
    super(message, { cause });
    this.exitCode = exitCode;
  }
}

/**
 * @param {string} message
 * @returns {CommandError} for options that contradict each other or a file
 */
export function usageError(message) {
  return new CommandError(message, { exitCode: USAGE });
}

/** @type {Record<string, string>} */
const REASONS = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  ENOSPC: 'no space is left on the device',
  EROFS: 'the file system is read-only',
};

/**
 * @param {string} doing  what failed, such as 'cannot read'
 * @param {string} path
 * @param {unknown} cause  error of the file system
 * @returns {CommandError}
 */
export function fileError(doing, path, cause) {
  const { code = '', message } = /** @type {NodeJS.ErrnoException} */ (cause);
  return new CommandError(`${doing} ${path}: ${REASONS[code] ?? message}`, { cause });
}
