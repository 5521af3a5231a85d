// Builds build/bench/bench.{simd,relaxed-simd}.wasm: the engine with bench.c.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findEmscripten } from '../../wasm/toolchain.js';
import { VARIANTS } from './suites.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
// Debian's Emscripten looks for its JavaScript libraries only where Debian's Node would.
const DEBIAN_MODULES = '/usr/share/nodejs';

export function buildModules() {
  const emscripten = findEmscripten();
  if (!emscripten) throw new Error('Emscripten was not found: see node wasm/setup.js build');
  const { folder, current } = emscripten;
  const configure = ['-S', join(ROOT, 'tests', 'bench'), '-B', join(ROOT, 'build', 'bench')];
  if (current) {
    run(join(folder, 'emcmake'), ['cmake', ...configure]);
  } else {
    const cache = execFileSync(join(folder, 'em-config'), ['CACHE'], { encoding: 'utf8' }).trim();
    const toolchain = join(ROOT, 'wasm', 'clang.cmake');
    run('cmake', [...configure, `-DCMAKE_TOOLCHAIN_FILE=${toolchain}`, `-DHR_EMSCRIPTEN_CACHE=${cache}`]);
  }
  run('cmake', ['--build', join(ROOT, 'build', 'bench'), '--parallel', '2', '--target', ...VARIANTS]);
}

/**
 * Shows what a command printed only if it fails.
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const modules = [process.env.NODE_PATH, DEBIAN_MODULES].filter(Boolean).join(':');
  const env = { ...process.env, NODE_PATH: modules };
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: ROOT, env, encoding: 'utf8' });
  if (status === 0) return;
  console.error(`${stdout ?? ''}${stderr ?? ''}`);
  throw error ?? new Error(`${command} failed: the engine and tests/bench/bench.c do not build`);
}
