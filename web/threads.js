/** The additional threads of an engine: workers that serve its thread team. */
import { EngineError } from './errors.js';
import { nodeWorker } from './node.js';

/** @import { Core } from './core.js' */

/** Bytes of a thread's stack. */
const STACK_BYTES = 262144;

/**
 * A worker of a browser or of Node, as far as it is used here.
 * @typedef {object} Thread
 * @property {(message: unknown) => void} postMessage
 * @property {() => unknown} terminate
 */

/**
 * Starts the threads of a team and waits until they serve.
 * @param {Core} core
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Memory} memory
 * @param {number} count including the calling thread
 * @param {() => Worker} [createThread]
 */
export async function startThreads(core, module, memory, count, createThread) {
  const team = core.address('team_create', count);
  /** @type {Thread[]} */
  const threads = [];
  const end = () => {
    for (const thread of threads) thread.terminate();
  };
  try {
    const starts = [];
    for (let number = 1; number < count; number++) {
      const stack = core.address('allocate', STACK_BYTES);
      if (team === 0 || stack === 0) throw new EngineError('not enough memory for the threads');
      const { thread, ready } = createThread ? browserThread(createThread()) : createWorker();
      threads.push(thread);
      starts.push(ready);
      // Compiled code needs a stack aligned to 16 bytes; the allocator aligns to 8.
      const top = ((stack + STACK_BYTES) & ~15) >>> 0;
      thread.postMessage({ module, memory, team, thread: number, stack: top });
    }
    await Promise.all(starts);
  } catch (error) {
    end();
    if (error instanceof EngineError) throw error;
    throw new EngineError('a thread cannot be started: its script thread.js cannot be loaded or run', {
      cause: error,
    });
  }
  core.setTeam(team, end);
}

function createWorker() {
  // In two statements, so that bundlers do not take it for a file to copy: it is for Node only.
  const here = import.meta.url;
  const worker = nodeWorker(new URL('./thread.js', here));
  if (!worker) return browserThread(new Worker(new URL('./thread.js', import.meta.url), { type: 'module' }));
  const ready = new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  // An engine that was not disposed must not keep the process alive.
  ready.then(
    () => worker.unref(),
    () => {},
  );
  return { thread: worker, ready };
}

/** @param {Worker} worker */
function browserThread(worker) {
  const ready = new Promise((resolve, reject) => {
    worker.onmessage = resolve;
    worker.onerror = (event) => reject(new Error(event.message || 'its script cannot be loaded'));
  });
  return { thread: worker, ready };
}
