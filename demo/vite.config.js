import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { formulas } from './article/formulas.js';
import { offlinePlugin } from './offline/plugin.js';
import { textLibrary } from './text/library.js';

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

/** What the built page may load: its own files, and WebAssembly. Not in development, where Vite injects scripts. */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self'",
  // Pictures that are made here, to be saved.
  "img-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export default defineConfig({
  root: here('.'),
  // Works from any path of any host.
  base: './',
  resolve: { alias: { 'hyperrouter-wasm': here('../web/index.js') } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2023', assetsInlineLimit: 0 },
  worker: { format: 'es' },
  plugins: [
    textLibrary(),
    formulas(),
    offlinePlugin(),
    {
      // The functions of a room are all called while it is first rendered: V8 compiles them while it loads, beside the page.
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
