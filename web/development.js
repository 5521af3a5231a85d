/**
 * Whether somebody is at work on the program that runs here: what may be said to him is not for its users.
 */
export function inDevelopment() {
  // As Node and its programs have it; elsewhere, a page on the developer's own machine.
  const environment = globalThis.process?.env;
  if (environment) return environment.NODE_ENV !== 'production';
  return /^(localhost$|127\.|\[::1\])/.test(globalThis.location?.hostname ?? '');
}

/** @param {string} what was collected without having been disposed of */
export function warnForgotten(what) {
  if (!inDevelopment()) return;
  console.warn(
    `hyperrouter-wasm: ${what} was forgotten without dispose(); its memory was kept until the garbage collector ` +
      'found it',
  );
}
