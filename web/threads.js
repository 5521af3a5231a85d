/** The additional threads of an engine: workers that serve its thread team. */
import { EngineError } from './errors.js';
import { checkWorker, foreignWorker, isNodeWorker, nodeWorker } from './workers.js';

/** @import { Core } from './core.js' */
/** @import { PlatformWorker } from './platform.js' */
/** @import { NodeWorker } from './workers.js' */

/** Bytes of a thread's stack. */
const STACK_BYTES = 262144;

const CREATE = 'a function that creates a Worker';

/**
 * Starts the threads of a team and waits until they serve.
 * @param {Core} core
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Memory} memory
 * @param {number} count including the calling thread
 * @param {() => PlatformWorker} [createThread]
 */
export async function startThreads(core, module, memory, count, createThread) {
  const team = core.address('team_create', count);
  /** @type {(Worker | NodeWorker)[]} */
  const threads = [];
  const end = () => {
    for (const thread of threads) thread.terminate();
  };
  try {
    const starts = [];
    for (let number = 1; number < count; number++) {
      const stack = core.address('allocate', STACK_BYTES);
      if (team === 0 || stack === 0) throw new EngineError('not enough memory for the threads');
      const thread = createThread ? checkWorker('createThread', CREATE, createThread()) : ownWorker();
      threads.push(thread);
      starts.push(serving(thread));
      // Compiled code needs a stack aligned to 16 bytes; the allocator aligns to 8.
      const top = ((stack + STACK_BYTES) & ~15) >>> 0;
      thread.postMessage({ module, memory, team, thread: number, stack: top });
    }
    await Promise.all(starts);
  } catch (error) {
    end();
    if (error instanceof EngineError || error instanceof TypeError) throw error;
    const why =
      'its script thread.js cannot be loaded or run here; load({ createThread }) creates it from elsewhere';
    throw new EngineError(`a thread cannot be started: ${why}`, { cause: error });
  }
  core.setTeam(team, end);
}

function ownWorker() {
  const here = import.meta.url;
  // Bundlers leave it empty in CommonJS and in scripts that are no modules.
  if (!here) {
    throw new EngineError(
      'the script of the threads cannot be found from a bundle that is no ES module, where import.meta.url is empty: ' +
        'pass load({ createThread, wasm }), or threads: 1',
    );
  }
  const worker = nodeWorker(new URL('./thread.js', here)) ?? foreignWorker('./thread.js', here, 'threads.js');
  // A literal so that bundlers find the script.
  return worker ?? new Worker(new URL('./thread.js', import.meta.url), { type: 'module' });
}

/**
 * Resolves when the thread serves.
 * @param {Worker | NodeWorker} worker
 */
async function serving(worker) {
  await new Promise((resolve, reject) => {
    if (isNodeWorker(worker)) {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`it ended with code ${code}`)));
      return;
    }
    worker.onmessage = resolve;
    worker.onerror = (event) => reject(new Error(event.message || 'its script cannot be loaded'));
  });
  // An engine that was not disposed must not keep the process alive.
  /** @type {{ unref?: () => void }} */ (worker).unref?.();
}
