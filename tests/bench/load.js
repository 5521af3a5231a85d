// The time of compiling and instantiating a module of the package. Run by Node, it prints that of a variant.

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<number>} milliseconds
 */
export async function loadTime(bytes) {
  const start = performance.now();
  const { instance } = await WebAssembly.instantiate(bytes, {});
  /** @type {any} */ (instance.exports)._initialize?.();
  return performance.now() - start;
}

if (globalThis.process?.argv[1]?.endsWith('load.js')) {
  const { readFile } = await import('node:fs/promises');
  const file = new URL(`../../web/hyperrouter.${process.argv[2]}.wasm`, import.meta.url);
  process.stdout.write(String(await loadTime(new Uint8Array(await readFile(file)))));
}
