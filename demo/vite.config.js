import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { formulas } from './article/formulas.js';
import { offlinePlugin } from './offline/plugin.js';
import { openingPlugin } from './opening/record.js';
import { textLibrary } from './text/library.js';

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

/** The built page may load only its own files and run WebAssembly. Not used in development: Vite injects scripts. */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self'",
  // Images that the page renders, to save them.
  "img-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export default defineConfig({
  root: here('.'),
  // Works from any path of any host.
  base: './',
  resolve: {
    alias: {
      'hyperrouter-wasm/study': here('../web/study/index.js'),
      'hyperrouter-wasm': here('../web/index.js'),
    },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    rolldownOptions: {
      // Other pages import the element by its name.
      input: { index: here('index.html'), 'routing-figure': here('embed/routing-figure.js') },
      output: {
        entryFileNames: ({ name }) => (name === 'routing-figure' ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  worker: { format: 'es' },
  plugins: [
    textLibrary(),
    openingPlugin(),
    formulas(),
    offlinePlugin(),
    {
      // The first rendering of a room calls all its functions, so V8 should compile them in the background while loading.
      name: 'compile-hints',
      apply: 'build',
      generateBundle: (_, bundle) => {
        for (const file of Object.values(bundle)) {
          if (file.type === 'chunk') file.code = `//# allFunctionsCalledOnLoad\n${file.code}`;
        }
      },
    },
    {
      name: 'content-security-policy',
      apply: 'build',
      transformIndexHtml: () => [
        {
          tag: 'meta',
          attrs: { 'http-equiv': 'Content-Security-Policy', content: policy },
          injectTo: 'head-prepend',
        },
      ],
    },
  ],
});
