import { createHash } from 'node:crypto';
import { settings } from './isolation.js';
import { serve } from './serve.js';

/**
 * Files that the page never loads: what other pages embed it with, the variant whose bits may differ, old fonts. And the
 * part of a book that is needed only to repeat the training of the pretrained model.
 */
const unused = /^routing-figure\.js$|relaxed-simd|\.(woff|ttf|map)$|moby-dick-rest/;

/** @param {string | Uint8Array} source */
const sha256 = (source) => createHash('sha256').update(source).digest('hex');

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
        const page = bundle['index.html'];
        if (page?.type !== 'asset') throw new Error('index.html must be written before the service worker');
        const [, entry] = String(page.source).match(/<script[^>]* src="\.\/(assets\/[^"]+)"/) ?? [];
        if (!entry) throw new Error('index.html has no script of the build');
        const files = Object.fromEntries(
          Object.entries(bundle)
            .filter(([name]) => name !== 'index.html' && !unused.test(name))
            .map(([name, file]) => [name, sha256(file.type === 'asset' ? file.source : file.code)])
            .sort(),
        );
        const version = sha256(String(page.source) + JSON.stringify(files)).slice(0, 16);
        this.emitFile({
          type: 'asset',
          fileName: 'sw.js',
          source: `(${serve})(self, ${JSON.stringify({ version, entry, files, settings })});\n`,
        });
      },
    },
  };
}
