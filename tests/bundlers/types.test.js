/** The declarations of the packed package: programs compile with the oldest and a current TypeScript, and editors explain. */
import assert from 'node:assert/strict';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import ts from 'typescript-5.6';
import { load } from '../../web/index.js';
import { CALL, OPTIONS } from '../../web/options.js';
import { HERE, installPacked, ROOT, remove, run } from './support.js';

const COMPILERS = {
  'TypeScript 5.6': join(HERE, 'node_modules', 'typescript-5.6', 'bin', 'tsc'),
  'the current TypeScript': join(ROOT, 'node_modules', '.bin', 'tsc'),
};

const STRICT = {
  ...{ strict: true, noEmit: true, target: 'ES2022', types: [], skipLibCheck: false },
  ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
};
const NODE = { module: 'NodeNext', moduleResolution: 'NodeNext' };
const BUNDLER = { module: 'ESNext', moduleResolution: 'Bundler' };

describe('the types of the packed package', () => {
  /** @type {string} */
  let folder;
  before(async () => {
    ({ folder } = await installPacked());
    for (const name of ['sample.ts', 'sample-bare.ts']) await copyFile(join(HERE, name), join(folder, name));
    await writeFile(
      join(folder, 'entries.ts'),
      ['', '/worker', '/worker-script', '/thread'].map((at) => `import 'hyperrouter-wasm${at}';\n`).join(''),
    );
  });
  after(() => remove(folder));

  /**
   * @param {string} compiler
   * @param {string[]} files
   * @param {object} options
   */
  async function compile(compiler, files, options) {
    const config = { compilerOptions: { ...STRICT, ...options }, files };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    await run(process.execPath, [compiler, '-p', folder]);
  }

  for (const [name, compiler] of Object.entries(COMPILERS)) {
    it(`${name}: strict programs`, async () => {
      const lib = ['ES2022', 'DOM', 'ESNext.Disposable'];
      await compile(compiler, ['sample.ts'], { ...NODE, lib });
      await compile(compiler, ['sample.ts'], { ...BUNDLER, lib });
    });

    it(`${name}: without a library besides the language itself`, async () => {
      await compile(compiler, ['sample-bare.ts', 'entries.ts'], { ...NODE, lib: ['ES2022'] });
      await compile(compiler, ['sample-bare.ts', 'entries.ts'], { ...NODE, lib: ['ES2022', 'DOM'] });
    });
  }

  it('the current TypeScript: with the newest library', () =>
    compile(COMPILERS['the current TypeScript'], ['sample-bare.ts'], { ...NODE, lib: ['ESNext', 'DOM'] }));

  it('an editor shows what every option means, and its default', async () => {
    const engine = await load();
    const keysOf = (/** @type {'language' | 'classifier'} */ kind) =>
      engine.configFields(kind).map(({ name }) => name);
    const literal = (/** @type {readonly string[]} */ keys) =>
      `{ ${keys.map((key) => `${key}: undefined`).join(', ')} }`;
    const calls = [
      `load(${literal(['variant', 'threads', 'wasm', 'createThread'])})`,
      `there.load(${literal(['variant', 'threads', 'wasm', 'worker', 'signal'])})`,
      `engine.createLanguageModel(${literal(keysOf('language'))})`,
      `engine.createClassifier(${literal(keysOf('classifier'))})`,
      ...['measure', 'train', 'generate'].map(
        (method) => `model.${method}([1], ${literal(OPTIONS[/** @type {'train'} */ (method)])})`,
      ),
      `remote.generate([1], ${literal([...OPTIONS.generate, ...CALL])})`,
      `model.saveCheckpoint(${literal(OPTIONS.saveCheckpoint)})`,
      `here.cosineSchedule(${literal(['warmup', 'floor'])})`,
      `here.topKSchedule(${literal(['kMin', 'kind'])})`,
      `here.splitText(tokens, ${literal(['validation'])})`,
      `here.splitVectors(data, ${literal(['validation', 'seed'])})`,
      `here.evaluateText(model, tokens, ${literal(['batchSize', 'length', 'vocabulary'])})`,
      `vocabulary.encode('a', ${literal(['replacement'])})`,
    ];
    engine.dispose();
    const text = `import * as here from 'hyperrouter-wasm';
import * as there from 'hyperrouter-wasm/worker';
const { load } = here;
declare const engine: here.Engine, model: here.LanguageModel, remote: there.LanguageModel;
declare const tokens: Int32Array, data: here.Vectors, vocabulary: here.CharacterVocabulary;
${calls.map((call) => `${call};`).join('\n')}
`;
    const file = join(folder, 'hover.ts');
    const service = ts.createLanguageService({
      getCompilationSettings: () => ({
        ...{ module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, strict: true, types: [] },
        lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
      }),
      getScriptFileNames: () => [file],
      getScriptVersion: () => '1',
      getScriptSnapshot: (name) => {
        const found = name === file ? text : ts.sys.readFile(name);
        return found === undefined ? undefined : ts.ScriptSnapshot.fromString(found);
      },
      getCurrentDirectory: () => folder,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      ...{
        fileExists: ts.sys.fileExists,
        readFile: ts.sys.readFile,
        directoryExists: ts.sys.directoryExists,
      },
    });
    let shown = 0;
    for (const { index, 1: name } of text.matchAll(/(\w+): undefined/g)) {
      const info = service.getQuickInfoAtPosition(file, index);
      const said = ts.displayPartsToString(info?.documentation);
      const call = text.slice(
        text.lastIndexOf('\n', index) + 1,
        text.indexOf('{', text.lastIndexOf('\n', index)),
      );
      // Some need none: data, a signal.
      const plain = /^(steps|signal|validation|probe|probeClasses)$/.test(name) && !call.includes('split');
      assert.ok(said.length > 10, `${call} ${name}: "${said}"`);
      if (!plain) assert.match(said, /\bdefault\b/i, `${call} ${name}: "${said}"`);
      shown++;
    }
    assert.ok(shown > 100, String(shown));
  });
});
