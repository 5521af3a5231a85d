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
  EACCES: 'permission denied',
  EBUSY: 'it is in use',
  EDQUOT: 'the quota of the disk is used up',
  EEXIST: 'something else has this name',
  EFBIG: 'the file would be larger than is allowed here',
  EIO: 'the device failed (input/output error)',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'too many files are open',
  ENOENT: 'no such file or folder',
  ENOSPC: 'no space is left on the device',
  ENOTDIR: 'a part of the path is not a folder',
  ENXIO: 'there is no such device',
  EPERM: 'permission denied',
  EPIPE: 'its reader has closed it',
  EROFS: 'the file system is read-only',
};

/**
 * @param {unknown} error  of the file system
 * @returns {string} in words
 */
export function reasonOf(error) {
  const { code = '', message } = /** @type {NodeJS.ErrnoException} */ (error);
  return REASONS[code] ?? message;
}

/**
 * @param {string} doing  what failed, such as 'cannot read'
 * @param {string} path
 * @param {unknown} cause  error of the file system
 * @returns {CommandError}
 */
export function fileError(doing, path, cause) {
  return new CommandError(`${doing} ${path}: ${reasonOf(cause)}`, { cause });
}
