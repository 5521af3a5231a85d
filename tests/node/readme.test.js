/**
 * README.md, the guides and CONTRIBUTING.md say what is true: tables agree with the engine, and what they name exists.
 * Their samples are run in tests/bundlers, in the packed package.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { load } from '../../web/index.js';
import { anchors, blocks, inlineCode, readDocument, readDocuments } from './markdown.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const forUsers = readDocuments();
const documents = [...forUsers, ...['CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'].map(readDocument)];
const textOf = (/** @type {import('./markdown.js').Document[]} */ some) =>
  some.map(({ text }) => text).join('\n');
const all = textOf(documents);

/** @param {string[]} args */
async function node(...args) {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const outputs = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await once(child, 'close');
  const [stdout, stderr] = await outputs;
  assert.equal(code, 0, stderr);
  return stdout;
}

describe('README.md', () => {
  it('can be read in two minutes', () => {
    assert.ok(readDocument('README.md').text.split('\n').length <= 150);
  });

  it('leads to every guide', () => {
    const { text } = readDocument('README.md');
    for (const { path } of forUsers.slice(1)) assert.ok(text.includes(`](${path})`), path);
  });
});

describe('the tables of the guides', () => {
  /**
   * @param {string} heading
   * @returns {string[][]} the rows of the table below it whose first cell is code
   */
  function table(heading) {
    const section = textOf(forUsers)
      .split(new RegExp(`^##? ${heading}\n`, 'm'))[1]
      .split(/^##? /m)[0];
    return [...section.matchAll(/^\| `(\w[\w-]*)` \|.*\|$/gm)].map(([line]) => {
      return line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim().replace(/^`(.*)`$/, '$1'));
    });
  }

  /** @param {import('../../web/types.js').ConfigField} field */
  function limits({ type, choices, min, max, exclusiveMax }) {
    if (type === 'choice') return choices?.join(', ');
    if (type === 'boolean') return 'true, false';
    return `${min} to ${exclusiveMax ? 'below ' : ''}${max}`;
  }

  it('have every configuration key, with its default and limits', async () => {
    const engine = await load();
    const kinds = /** @type {const} */ (['language', 'text-classifier', 'classifier', 'regressor']);
    /** @type {Map<string, import('../../web/types.js').ConfigField[]>} */
    const fields = new Map();
    /** @type {Map<string, string[]>} */
    const models = new Map();
    for (const kind of kinds) {
      for (const field of engine.configFields(kind)) {
        fields.set(field.name, [...(fields.get(field.name) ?? []), field]);
        models.set(field.name, [...(models.get(field.name) ?? []), kind.replace('-', ' ')]);
      }
    }
    const expected = new Map(
      [...fields].map(([name, same]) => {
        // What models of text demand besides is said in words.
        const field = same.find(({ multipleOf }) => multipleOf === undefined) ?? same[0];
        const of = /** @type {string[]} */ (models.get(name));
        const which = of.length === kinds.length ? 'all' : of.join(', ');
        return [name, [String(field.default), String(limits(field)), which]];
      }),
    );
    const rows = new Map(table('Configuration').map(([name, , ...rest]) => [name, rest]));
    assert.deepEqual([...rows.keys()].sort(), [...expected.keys()].sort());
    for (const [name, row] of rows) assert.deepEqual(row, expected.get(name), name);
  });

  it('have every router and every gate', async () => {
    const engine = await load();
    for (const [heading, key] of [
      ['Routers', 'router'],
      ['Gates', 'gate'],
    ]) {
      const field = engine.configFields('language').find(({ name }) => name === key);
      assert.deepEqual(
        table(heading).map(([name]) => name),
        field?.choices,
      );
    }
  });
});

describe('the sizes in README.md and the guides', () => {
  /** @param {string} pattern of what stands before the number @param {number} bytes @param {number} unit */
  function assertSaid(pattern, bytes, unit) {
    const said = Number(all.match(new RegExp(`${pattern} (?:takes |is )?about (\\d+) [Mk]B`))?.[1]);
    assert.ok(Math.abs(said - bytes / unit) < 0.1 * said, `${pattern}: ${said}, but it is ${bytes / unit}`);
  }

  it('are those of models and of the module', async () => {
    const engine = await load();
    const bytesOf = (/** @type {object} */ config) => engine.createLanguageModel(config).memory.total;
    assertSaid('The default model', bytesOf({}), 1e6);
    const large = { layers: 4, dModel: 128, dInner: 256, experts: 16, contextLength: 128, memoryLength: 128 };
    assertSaid('a context and memory of 128', bytesOf(large), 1e6);
    assertSaid('a vocabulary of 50,000', bytesOf({ vocabSize: 50_000 }), 1e6);
    assertSaid('A module', readFileSync(`${ROOT}web/hyperrouter.simd.wasm`).length, 1e3);
    engine.dispose();
  });
});

describe('what the documents name', () => {
  it('are scripts of package.json', () => {
    const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
    const named = [...all.matchAll(/npm (?:run ([\w:]+)|(start|test)\b)/g)].map((m) => m[1] ?? m[2]);
    assert.ok(named.length > 5);
    for (const name of named) assert.ok(name in scripts, `npm run ${name}`);
  });

  it('are options of the command line', async () => {
    /** @type {Map<string, Set<string>>} */
    const options = new Map();
    await Promise.all(
      ['train', 'eval', 'generate'].map(async (command) => {
        const help = await node('web/cli.js', command, '--help');
        options.set(command, new Set(help.match(/(?<=^ {2}(-\w, )?)--[\w-]+/gm)));
      }),
    );
    const lines = [
      ...blocks(all, 'sh')
        .join('')
        .matchAll(/hyperrouter-wasm (train|eval|generate) (.*)/g),
    ];
    assert.ok(lines.length > 5);
    for (const [, command, args] of lines) {
      for (const option of args.match(/(?<!\S)--[\w-]+/g) ?? []) {
        assert.ok(options.get(command)?.has(option), `${command} ${option}`);
      }
    }
    const { text } = readDocument('demo/guides/command-line.md');
    const known = new Set([...options.values()].flatMap((names) => [...names]));
    for (const code of inlineCode(text).filter((code) => code.startsWith('--'))) {
      assert.ok(known.has(code.split(' ')[0]), code);
    }
  });

  it('are files of the repository', () => {
    const paths = inlineCode(all).filter(
      (code) => /^(src|wasm|web|tests|demo)\/[\w./-]+$/.test(code) && !code.includes('NAME'),
    );
    assert.ok(paths.length > 20);
    for (const path of paths) assert.ok(existsSync(ROOT + path), path);
  });

  it('are links that lead somewhere', () => {
    let count = 0;
    for (const { path, text } of documents) {
      for (const [, link] of text.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
        const { pathname, hash } = new URL(link, `file:///${path}`);
        const target = pathname.slice(1);
        assert.ok(existsSync(ROOT + target), `${path}: ${link}`);
        if (hash) assert.ok(anchors(readDocument(target).text).includes(hash.slice(1)), `${path}: ${link}`);
        count++;
      }
    }
    assert.ok(count > 20);
  });
});
