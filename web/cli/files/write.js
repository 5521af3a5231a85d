/**
 * Writes files so that a path has either the whole old file or the whole new one, whatever happens in between.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import * as nodeFiles from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError } from '../errors.js';

/** @typedef {import('./read.js').FileSystem} FileSystem */

/** Bytes of one write: no system writes 2 GiB or more at a time. */
const PIECE_BYTES = 2 ** 24;

/** As Linux. */
const MAX_LINKS = 40;

/** Codes of a file system that cannot sync, and of Windows, which cannot sync folders. */
const CANNOT_SYNC = ['EINVAL', 'ENOSYS', 'ENOTSUP', 'EPERM', 'EISDIR'];

/** @param {unknown} error */
export function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code ?? '';
}

/**
 * Follows the links at the end of a path, also to a file that does not exist yet.
 *
 * @param {string} path
 * @param {FileSystem} [fs]
 * @returns {Promise<string>} absolute; its folder has no links
 */
export async function resolveTarget(path, fs = nodeFiles) {
  let target = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const folder = await fs.realpath(dirname(target));
    target = join(folder, basename(target));
    // EINVAL: it is not a link. UNKNOWN: the same on Windows.
    const link = await fs.readlink(target).catch((error) => {
      if (['EINVAL', 'ENOENT', 'UNKNOWN'].includes(codeOf(error))) return null;
      throw error;
    });
    if (link === null) return target;
    // Absolute, or relative to the folder of the link.
    target = link.startsWith('/') || /^[a-z]:|^\\/i.test(link) ? link : `${folder}/${link}`;
  }
  throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
}

/**
 * Begins the names of hidden files that belong to a target. Its length does not depend on the target's: a name of the
 * greatest length has no room for more.
 *
 * @param {string} target
 */
export function hiddenName(target) {
  return `.hyperrouter-${createHash('sha256').update(basename(target)).digest('hex').slice(0, 12)}`;
}

/**
 * Removes the temporary files that killed runs left. Only whoever holds the lock of the target may do this.
 *
 * @param {string} target
 * @param {FileSystem} [fs]
 */
export async function removeTemporaries(target, fs = nodeFiles) {
  const folder = dirname(target);
  const names = await fs.readdir(folder).catch(() => /** @type {string[]} */ ([]));
  for (const name of names) {
    if (!name.startsWith(`${hiddenName(target)}-`) || !name.endsWith('.tmp')) continue;
    await fs.unlink(join(folder, name)).catch(() => {});
  }
}

/**
 * Writes a file atomically. A link stays one: the file it names is replaced. The mode is kept, and the owner if the
 * system allows it.
 *
 * @param {string} path
 * @param {Uint8Array} bytes
 * @param {FileSystem} [fs]
 */
export async function writeWhole(path, bytes, fs = nodeFiles) {
  try {
    const target = await resolveTarget(path, fs);
    const old = await fs.stat(target).catch((error) => {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    });
    const temporary = join(dirname(target), `${hiddenName(target)}-${randomBytes(6).toString('hex')}.tmp`);
    // Exclusively: whatever stands there already, such as a link, is not ours.
    const file = await fs.open(temporary, 'wx', old ? old.mode & 0o777 : 0o666);
    try {
      try {
        if (old) await keepAttributes(file, old);
        await writePieces(file, bytes);
        await sync(file);
      } finally {
        await file.close();
      }
      await fs.rename(temporary, target);
    } catch (error) {
      await fs.unlink(temporary).catch(() => {});
      throw error;
    }
    await syncFolder(dirname(target), fs).catch((error) => {
      throw Object.assign(error, { inPlace: true });
    });
  } catch (error) {
    throw fileError('cannot write', path, error);
  }
}

/**
 * @param {unknown} error  of `writeWhole`
 * @returns {boolean} whether the file is whole and in its place all the same, but may not outlast a power failure
 */
export function isInPlace(error) {
  const { cause } = /** @type {{ cause?: { inPlace?: boolean } }} */ (error);
  return cause?.inPlace === true;
}

/**
 * Writes a new file in the plainest way, for a disk on which `writeWhole` does not work: nothing is renamed, and it need
 * not reach the device now.
 *
 * @param {string} path
 * @param {Uint8Array} bytes
 * @param {FileSystem} [fs]
 */
export async function writePlainly(path, bytes, fs = nodeFiles) {
  try {
    const file = await fs.open(path, 'wx', 0o666);
    try {
      await writePieces(file, bytes);
      await file.sync().catch(() => {});
    } catch (error) {
      await fs.unlink(path).catch(() => {});
      throw error;
    } finally {
      // All was written: what closing can still report is said too late to act on.
      await file.close().catch(() => {});
    }
  } catch (error) {
    throw fileError('cannot write', path, error);
  }
}

/**
 * @param {import('node:fs/promises').FileHandle} file
 * @param {import('node:fs').Stats} old
 */
async function keepAttributes(file, old) {
  const { uid, gid } = await file.stat();
  if (uid !== old.uid || gid !== old.gid) await file.chown(old.uid, old.gid).catch(() => {});
  // It was created with these bits or fewer, so that a failure gives nobody more access.
  await file.chmod(old.mode & 0o7777).catch(() => {});
}

/**
 * @param {import('node:fs/promises').FileHandle} file
 * @param {Uint8Array} bytes
 */
async function writePieces(file, bytes) {
  let at = 0;
  while (at < bytes.length) {
    const { bytesWritten } = await file.write(bytes, at, Math.min(PIECE_BYTES, bytes.length - at), null);
    if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
    at += bytesWritten;
  }
}

/** @param {import('node:fs/promises').FileHandle} file */
async function sync(file) {
  try {
    await file.sync();
  } catch (error) {
    if (!CANNOT_SYNC.includes(codeOf(error))) throw error;
  }
}

/**
 * Only then is the new name of a file on the disk.
 *
 * @param {string} folder
 * @param {FileSystem} fs
 */
async function syncFolder(folder, fs) {
  // A folder that may be written but not read cannot be synced; the file is in its place all the same.
  const handle = await fs.open(folder, 'r').catch(() => null);
  if (!handle) return;
  try {
    await sync(handle);
  } finally {
    await handle.close();
  }
}
