import { createHash } from 'node:crypto';
import { serve } from './serve.js';

/** Files that the page never loads: it uses one thread, and the variant that gives the same bits everywhere. */
const unused = /relaxed-simd|\.threads|\/thread-|\.(woff|ttf|map)$/;

/**
 * Writes the service worker with the list of all files of the build.
 *
 * @returns {import('vite').Plugin}
 */
export function offlinePlugin() {
  return {
    name: 'offline',
    apply: 'build',
    // After Vite has written index.html.
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const hash = createHash('sha256');
        const files = Object.keys(bundle)
          .filter((name) => name !== 'index.html' && !unused.test(name))
          .sort();
        const page = bundle['index.html'];
        if (page?.type !== 'asset') throw new Error('index.html must be written before the service worker');
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
