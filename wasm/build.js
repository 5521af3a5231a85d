// Builds the modules web/hyperrouter.*.wasm with CMake in build/:
// node wasm/build.js [--target VARIANT] [CMake options, e.g. -DHR_WASM_NAMES=ON]
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { findEmscripten } from './toolchain.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const VARIANTS = ['simd', 'simd.threads', 'relaxed-simd', 'relaxed-simd.threads'];
const MODULES = VARIANTS.map((variant) => `web/hyperrouter.${variant}.wasm`);
// Debian's Emscripten looks for its JavaScript libraries only where Debian's Node would.
const DEBIAN_MODULES = '/usr/share/nodejs';

const emscripten = findEmscripten();
if (!emscripten) throw new Error('Emscripten was not found: see node wasm/setup.js build');

const before = MODULES.map(read);
const folder = join(ROOT, 'build', emscripten.current ? 'wasm-emcc' : 'wasm-clang');
const { target, options } = readArguments(process.argv.slice(2));
if (options.length > 0 || !existsSync(join(folder, 'CMakeCache.txt'))) {
  console.log(`Building the WebAssembly modules (Emscripten ${emscripten.version})`);
  configure(folder, emscripten, options);
}
cmake(['--build', folder, '--parallel', String(availableParallelism()), ...target]);

for (const [i, path] of MODULES.entries()) {
  const bytes = read(path);
  if (!bytes || before[i]?.equals(bytes)) continue;
  console.log(`${path}  ${kilobytes(bytes)} (${kilobytes(gzipSync(bytes))} gzipped)`);
}

/**
 * @param {string[]} given
 * @returns {{ target: string[], options: string[] }} target: empty for all modules
 */
function readArguments(given) {
  const at = given.indexOf('--target');
  if (at < 0) return { target: [], options: given };
  return { target: given.slice(at, at + 2), options: given.toSpliced(at, 2) };
}

/**
 * @param {string} folder
 * @param {import('./toolchain.js').Emscripten} emscripten
 * @param {string[]} options
 */
function configure(folder, { folder: commands, current }, options) {
  if (current) {
    cmake(['cmake', '-S', ROOT, '-B', folder, ...options], join(commands, 'emcmake'));
    return;
  }
  const cache = execFileSync(join(commands, 'em-config'), ['CACHE'], { encoding: 'utf8' }).trim();
  const toolchain = ['-DCMAKE_TOOLCHAIN_FILE=wasm/clang.cmake', `-DHR_EMSCRIPTEN_CACHE=${cache}`];
  cmake(['-S', ROOT, '-B', folder, ...toolchain, ...options]);
}

/**
 * Runs CMake, and shows what it printed only if it fails.
 * @param {string[]} args
 * @param {string} [command]
 */
function cmake(args, command = 'cmake') {
  const modules = [process.env.NODE_PATH, DEBIAN_MODULES].filter(Boolean).join(delimiter);
  const env = { ...process.env, NODE_PATH: modules };
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: ROOT,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}`);
  process.exit(1);
}

/** @param {string} path */
function read(path) {
  const full = join(ROOT, path);
  return existsSync(full) ? readFileSync(full) : undefined;
}

/** @param {Uint8Array} bytes */
function kilobytes(bytes) {
  return `${(bytes.length / 1000).toFixed(1)} kB`;
}
