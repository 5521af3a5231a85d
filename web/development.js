/**
 * Whether this is a developer's machine: some warnings are for developers, not for users.
 */
export function inDevelopment() {
  // In Node the usual variable; in a browser, a page served from the developer's own machine.
  const environment = globalThis.process?.env;
  if (environment) return environment.NODE_ENV !== 'production';
  return /^(localhost$|127\.|\[::1\])/.test(globalThis.location?.hostname ?? '');
}

/** @param {string} what was garbage-collected without `dispose()` */
export function warnCollected(what) {
  if (!inDevelopment()) return;
  console.warn(
    `hyperrouter-wasm: ${what} was garbage-collected without dispose(); its memory was held until then. ` +
      'Call dispose() when it is no longer needed',
  );
}
