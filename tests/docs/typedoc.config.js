// The documentation of the interface, out of the docstrings. What lacks one, a test finds.
import { OptionDefaults } from 'typedoc';

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'hyperrouter-wasm',
  entryPoints: ['../../web/index.js', '../../web/worker.js'],
  tsconfig: '../../web/tsconfig.json',
  compilerOptions: { declaration: false, emitDeclarationOnly: false, noEmit: true },
  out: '../../build/docs',
  readme: 'none',
  disableSources: true,
  excludeExternals: true,
  excludePrivate: true,
  excludeProtected: true,
  blockTags: [...OptionDefaults.blockTags, '@implements'],
  preservedTypeAnnotationTags: ['@throws'],
  // Stand for classes of the platform, which have documentations of their own.
  intentionallyNotExported: ['Signal', 'PlatformURL', 'PlatformResponse', 'WasmModule'],
  validation: { notExported: true, invalidLink: true, invalidPath: true },
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
};
