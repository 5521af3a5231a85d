// The guides, and the reference out of the docstrings. What lacks a docstring, a test finds.
import { fileURLToPath } from 'node:url';
import { OptionDefaults } from 'typedoc';

const root = (/** @type {string} */ path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** In the order in which they are listed. */
const GUIDES = [
  'training',
  'classifiers',
  'generation',
  'configuration',
  'routers',
  'routing-metrics',
  'checkpoints',
  'workers',
  'command-line',
  'studies',
  'page',
  'determinism',
  'limits',
];

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'hyperrouter-wasm',
  entryPoints: [
    root('web/index.js'),
    root('web/worker.js'),
    root('web/labelled-text.js'),
    root('web/study/index.js'),
  ],
  tsconfig: root('web/tsconfig.json'),
  compilerOptions: { declaration: false, emitDeclarationOnly: false, noEmit: true },
  readme: root('README.md'),
  projectDocuments: [
    ...GUIDES.map((name) => root(`demo/guides/${name}.md`)),
    root('CHANGELOG.md'),
    root('CONTRIBUTING.md'),
    root('SECURITY.md'),
  ],
  sortEntryPoints: false,
  navigation: { includeFolders: false },
  favicon: root('demo/icon.svg'),
  customCss: root('demo/site/style.css'),
  highlightLanguages: ['bash', 'c', 'html', 'javascript', 'python', 'typescript'],
  searchInComments: true,
  searchInDocuments: true,
  searchGroupBoosts: { Documents: 20 },
  githubPages: false,
  disableSources: true,
  excludeExternals: true,
  excludePrivate: true,
  excludeProtected: true,
  blockTags: [...OptionDefaults.blockTags, '@implements'],
  preservedTypeAnnotationTags: ['@throws'],
  intentionallyNotExported: [
    // Stand for classes of the platform, which have documentations of their own.
    ...['Signal', 'PlatformURL', 'PlatformResponse', 'PlatformWorker', 'WasmModule'],
    // By which a run knows its data again, and nobody else.
  ],
  validation: { notExported: true, invalidLink: true, invalidPath: true },
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
};
