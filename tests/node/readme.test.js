/** README.md and CONTRIBUTING.md say what is true: samples run, tables agree with the engine, commands exist. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { load } from '../../web/index.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(`${ROOT}README.md`, 'utf8');
const contributing = readFileSync(`${ROOT}CONTRIBUTING.md`, 'utf8');
const both = `${readme}\n${contributing}`;

/**
 * @param {string} markdown
 * @param {string} language
 * @returns {string[]} the code blocks of a language
 */
function blocks(markdown, language) {
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter((match) => match[1] === language)
    .map((match) => match[2]);
}

/** @param {string} markdown @returns {string[]} what stands in backquotes */
function inlineCode(markdown) {
  return [...markdown.replace(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1]);
}

/** @param {string[]} args */
async function node(...args) {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const outputs = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await once(child, 'close');
  const [stdout, stderr] = await outputs;
  assert.equal(code, 0, stderr);
  return stdout;
}

/**
 * Runs a module inside of the package's folder, where its own name can be imported.
 * @param {string} code
 */
async function runModule(code) {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'build', 'readme-'));
  try {
    await writeFile(join(folder, 'sample.js'), code);
    return await node(join(folder, 'sample.js'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const IMPORT = /^import \{ (.+) \} from '(.+)';\n/gm;

/**
 * One module of many samples: the first as it is, the others behind it, each in a block of its own.
 * @param {string[]} samples
 */
function inOne([first, ...others]) {
  /** @type {Map<string, Set<string>>} */
  const imports = new Map();
  for (const [, names, from] of others.flatMap((sample) => [...sample.matchAll(IMPORT)])) {
    imports.set(from, new Set([...(imports.get(from) ?? []), ...names.split(', ')]));
  }
  const lines = [...imports].map(([from, names]) => `import { ${[...names].join(', ')} } from '${from}';\n`);
  return [...lines, first, ...others.map((sample) => `{\n${sample.replace(IMPORT, '')}}\n`)].join('');
}

describe('the samples of README.md', { concurrency: true }, () => {
  const samples = blocks(readme, 'js');
  const configs = samples.filter((sample) => sample.includes('export default'));
  const modules = samples.filter((sample) => !configs.includes(sample));

  it('train and generate', async () => {
    const output = await runModule(modules[0]);
    assert.match(output, /^50 \d\.\d+\n(\d+ \d\.\d+\n){3}250 0\.\d+\n/);
    assert.match(output, /Humpty|king|wall|fall/, 'what is written is of the rhyme');
  });

  it('run one after the other', async () => {
    // The others need a model, not a trained one.
    const [first, ...others] = modules;
    const output = await runModule(inOne([first.replace('steps: 250', 'steps: 10'), ...others]));
    assert.match(output, /RangeError config\.topK must be from 1 to 8 \(experts\), got 9/);
    const resumed = output.match(/^\d+ \d\.\d+$/gm) ?? [];
    assert.ok(
      resumed.some((line, i) => line === resumed[i + 1]),
      `a resumed run has the same bits: ${resumed}`,
    );
  });

  it('configure Vite', async () => {
    assert.equal(configs.length, 1);
    const { default: config } = await import(`data:text/javascript,${encodeURIComponent(configs[0])}`);
    const { name } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
    assert.deepEqual(config, { optimizeDeps: { exclude: [name] } });
  });
});

describe('the tables of README.md', () => {
  /**
   * @param {string} heading
   * @returns {string[][]} the rows of the first table below it whose first cell is code
   */
  function table(heading) {
    const section = readme.split(`\n## ${heading}\n`)[1].split('\n## ')[0];
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
    const language = engine.configFields('language');
    const classifier = engine.configFields('classifier');
    /** @type {Map<string, string[]>} */
    const expected = new Map();
    for (const field of [...language, ...classifier]) {
      const models = language.some(({ name }) => name === field.name) ? 'language' : 'classifier';
      const shared = models === 'language' && classifier.some(({ name }) => name === field.name);
      expected.set(field.name, [String(field.default), String(limits(field)), shared ? 'both' : models]);
    }
    const rows = new Map(table('Configuration').map(([name, , ...rest]) => [name, rest]));
    assert.deepEqual([...rows.keys()].sort(), [...expected.keys()].sort());
    for (const [name, row] of rows) assert.deepEqual(row, expected.get(name), name);
  });

  it('have every router', async () => {
    const engine = await load();
    assert.deepEqual(
      table('Routers').map(([name]) => name),
      engine.routers.map(({ name }) => name),
    );
  });
});

describe('what README.md and CONTRIBUTING.md name', () => {
  it('are scripts of package.json', () => {
    const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
    const named = [...both.matchAll(/npm (?:run ([\w:]+)|(start|test)\b)/g)].map((m) => m[1] ?? m[2]);
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
      ...blocks(both, 'sh')
        .join('')
        .matchAll(/hyperrouter-wasm (train|eval|generate) (.*)/g),
    ];
    assert.ok(lines.length > 5);
    for (const [, command, args] of lines) {
      for (const option of args.match(/(?<!\S)--[\w-]+/g) ?? []) {
        assert.ok(options.get(command)?.has(option), `${command} ${option}`);
      }
    }
    const section = readme.split('\n## Command line\n')[1].split('\n## ')[0];
    const all = new Set([...options.values()].flatMap((names) => [...names]));
    for (const code of inlineCode(section).filter((code) => code.startsWith('--'))) {
      assert.ok(all.has(code.split(' ')[0]), code);
    }
  });

  it('are files of the repository', () => {
    const paths = inlineCode(both).filter(
      (code) => /^(src|wasm|web|tests|demo)\/[\w./-]+$/.test(code) && !code.includes('NAME'),
    );
    const links = [...both.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1]);
    assert.ok(paths.length > 20);
    for (const path of [...paths, ...links]) assert.ok(existsSync(ROOT + path), path);
  });
});
