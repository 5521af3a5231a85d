/**
 * Whether somebody is at work on the program that runs here: what may be said to him is not for its users.
 */
export function inDevelopment() {
  const environment = globalThis.process?.env?.NODE_ENV;
  if (environment !== undefined) return environment !== 'production';
  // Without a bundler or Node: a page on the developer's own machine.
  return /^(localhost|127\.|\[::1\])/.test(globalThis.location?.hostname ?? '');
}

/** @param {string} what was collected without having been disposed of */
export function warnForgotten(what) {
  if (!inDevelopment()) return;
  console.warn(
    `hyperrouter-wasm: ${what} was forgotten without dispose(); its memory was kept until the garbage collector ` +
      'found it',
  );
}
