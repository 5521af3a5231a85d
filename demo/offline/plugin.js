import { createHash } from 'node:crypto';
import { serve } from './serve.js';

/** Builds of the engine that this page never asks for: it has one thread, and the variant that is exact everywhere. */
const unused = /relaxed-simd|\.threads|\/thread-|\.(woff|ttf|map)$/;

/**
 * Writes the service worker, which knows all files of the build.
 *
 * @returns {import('vite').Plugin}
 */
export function offlinePlugin() {
  return {
    name: 'offline',
    apply: 'build',
    // The page itself is written late.
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const hash = createHash('sha256');
        const files = Object.keys(bundle)
          .filter((name) => name !== 'index.html' && !unused.test(name))
          .sort();
        const page = bundle['index.html'];
        if (page?.type !== 'asset') throw new Error('the service worker is written before the page');
        hash.update(page.source).update(files.join());
        const build = { version: hash.digest('hex').slice(0, 16), files: ['./', ...files] };
        this.emitFile({
          type: 'asset',
          fileName: 'sw.js',
          source: `(${serve})(self, ${JSON.stringify(build)});\n`,
        });
      },
    },
  };
}
