/** Every block of code in README.md and the guides is run, in new folders, with the packed package where it uses it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createServer } from 'vite';
import { findTool, findTorch } from '../../wasm/toolchain.js';
import { newPage, openChromium } from '../chromium.js';
import { blocks, inOne, readDocument, readDocuments } from '../node/markdown.js';
import { assertRan, HERE, installPacked, outcomeOf, ROOT, remove, run, serve, writePage } from './support.js';

const documents = readDocuments();
const readme = readDocument('README.md').text;
const all = documents.map(({ text }) => text).join('\n');
const shell = blocks(all, 'sh');
const javascript = blocks(all, 'js');
/** @param {string} text of a document @returns {string[]} its programs; what begins with a name of a file is for a bundler */
const modulesOf = (text) => blocks(text, 'js').filter((sample) => !/^\/\/ [\w.]+\n/.test(sample));
const [first] = modulesOf(readme);

/** @param {string} words that it has @param {string[]} among */
function only(words, among) {
  const found = among.filter((block) => block.includes(words));
  assert.equal(found.length, 1, words);
  return found[0];
}

/**
 * @param {string} block of shell
 * @returns {string[]} its commands, without comments
 */
function commandsOf(block) {
  return block.split('\n').flatMap((line) => line.replace(/\s+#.*$/, '').trim() || []);
}

/** What samples of guides print, besides being run. */
const OUTPUTS = {
  'training.md':
    /^\d+ Humpty had a great wall\.\n(.*\n)*RangeError config\.topK must be from 1 to 8 \(experts\), got 9$/m,
  'checkpoints.md': /^20 (\d\.\d+)\n20 \1$/m,
  'determinism.md': /^true$/m,
};

const torch = findTorch();
/** Whether a block needs a Python, or a PyTorch, that is not here. @param {string} block */
function cannotRun(block) {
  if (/torchrun|from hyperrouter/.test(block)) return !torch;
  // Several minutes, and only in the repository.
  if (block.includes('demo/studies/pretrained/data.js')) return true;
  return block.startsWith('import torch') && !findTool('python3');
}

/** Blocks that a test has run. @type {Set<string>} */
const done = new Set();
/** @param {string} block */
function use(block) {
  done.add(block);
  return block;
}

describe('README.md and the guides, with the packed package in a new folder', () => {
  /** @type {string} */
  let folder;
  /** @type {import('playwright-core').Browser} */
  let browser;

  before(async () => {
    [browser, { folder }] = await Promise.all([openChromium(), installPacked()]);
    // What the samples install besides.
    for (const name of ['gpt-tokenizer', 'esbuild', 'rollup', '@rollup/plugin-node-resolve']) {
      const to = join(folder, 'node_modules', name);
      await mkdir(dirname(to), { recursive: true });
      await symlink(join(HERE, 'node_modules', name), to);
    }
    for (const name of ['esbuild', 'rollup']) {
      await symlink(join(HERE, 'node_modules', '.bin', name), join(folder, 'node_modules', '.bin', name));
    }
  });
  after(async () => {
    await browser.close();
    await remove(folder);
  });

  /** @param {string} code */
  async function runModule(code) {
    await writeFile(join(folder, 'sample.js'), code);
    return run(process.execPath, ['sample.js'], { cwd: folder });
  }

  it('the first program prints what README.md says', async () => {
    // The variant that computes the same everywhere.
    const output = await runModule(use(first).replace('load()', "load({ variant: 'simd' })"));
    const [said, ...others] = blocks(readme, 'text');
    assert.deepEqual(others, []);
    assert.equal(output, said);
  });

  for (const { path, text } of documents.slice(1)) {
    const samples = modulesOf(text);
    if (samples.length === 0) continue;
    it(`the samples of ${path}`, async () => {
      const output = await runModule(inOne(samples.map(use)));
      for (const [of, said] of Object.entries(OUTPUTS)) if (path.endsWith(of)) assert.match(output, said);
    });
  }

  it('the command line trains, measures and generates', async () => {
    await writeFile(
      join(folder, 'book.txt'),
      'Once upon a time there was a router that knew eight experts. '.repeat(300),
    );
    const shorter = (/** @type {string} */ written) => {
      const command = written.replace('npx hyperrouter-wasm', 'hyperrouter-wasm');
      if (command.includes(' --steps ')) return command.replace(/ --steps \d+/, ' --steps 6');
      if (command.includes(' --classify ')) return `${command} --steps 5 --d-model 32`;
      return command.includes(' train ') ? `${command} --steps 4` : command;
    };
    const reviews = ['a fine film,1', 'a dull one,0', 'good,1', 'bad,0'].flatMap((row) =>
      Array(10).fill(row),
    );
    const texts = {
      'reviews.csv': ['review,stars', ...reviews],
      'new.txt': ['a fine film', 'a dull one'],
      'sst2-train.tsv': reviews.map((row) => row.replace(',', '\t')),
      'banking77-train.csv': ['text,category', ...reviews],
    };
    for (const [name, rows] of Object.entries(texts)) {
      await writeFile(join(folder, name), `${rows.join('\n')}\n`);
      for (const part of ['dev', 'test'])
        await writeFile(join(folder, name.replace('train', part)), `${rows.join('\n')}\n`);
    }
    const commands = shell.filter((block) => block.includes('npx hyperrouter-wasm') && !cannotRun(block));
    const [inStudies] = commands.filter((block) => block.includes('npx hyperrouter-wasm study'));
    const [inReadme, inGuide, classified, predicted, ...others] = commands.filter(
      (block) => block !== inStudies && !block.includes('torchrun'),
    );
    assert.deepEqual(others, []);
    // npx is tried once: it takes as long to find the command as most of these take to work.
    const env = {
      ...process.env,
      PATH: [join(folder, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
    };
    /** @param {string} block */
    async function outputsOf(block) {
      /** @type {string[]} */
      const outputs = [];
      for (const command of commandsOf(use(block)))
        outputs.push(await run('sh', ['-c', `${shorter(command)} 2>&1`], { cwd: folder, env }));
      return outputs;
    }
    const [, generated] = await outputsOf(inReadme);
    const help = await run('npx', ['hyperrouter-wasm', '--help'], { cwd: folder });
    assert.match(help, /^Usage: hyperrouter-wasm/);
    assert.match(generated, /Once upon/);
    await rm(join(folder, 'book.safetensors'));
    await rm(join(folder, 'reviews.safetensors'));
    const outputs = await outputsOf(inGuide);
    assert.equal(outputs.length, 8);
    for (const name of ['book', 'big', 'k']) assert.ok(existsSync(join(folder, `${name}.safetensors`)), name);
    assert.match(outputs[4], /bits/, 'eval');
    assert.match(outputs[5], /Once upon/, 'generate');
    assert.match(
      outputs[7],
      /^\{"text":"a fine film","label":"?[01]"?,.*\n\{"text":"a dull one"/m,
      'predict',
    );
    for (const output of await outputsOf(classified)) assert.match(output, /accuracy/i);
    assert.match((await outputsOf(predicted))[0], /^\{"text":"a fine film"/m);
    const [study, ...parts] = blocks(readDocument('demo/guides/studies.md').text, 'json').map(use);
    const whole = JSON.parse(study);
    const studies = parts.map((part) =>
      part.startsWith('{') ? JSON.parse(part) : { ...whole, ...JSON.parse(`{${part}}`) },
    );
    await runModule(`
      import { load } from 'hyperrouter-wasm';
      import { readStudy } from 'hyperrouter-wasm/study';
      const engine = await load();
      for (const study of ${JSON.stringify(studies)}) readStudy(study, engine);
    `);
    const short = { ...whole, train: { steps: 2 }, seeds: [1, 2], validation: 0.02 };
    await writeFile(join(folder, 'routers.json'), JSON.stringify(short));
    await outputsOf(inStudies);
    assert.match(await readFile(join(folder, 'routers', 'report.md'), 'utf8'), /^\| smoe · sigmoid \| 2 \|/m);
  });

  it('the pages without a bundler', async () => {
    const pages = blocks(all, 'html');
    // A figure of the built page, which tests/page/embed.test.js runs.
    use(only('<routing-figure', pages));
    const [worker, bare, ...others] = pages.filter((html) => !done.has(html));
    assert.deepEqual(others, []);
    await writeFile(join(folder, 'worker.html'), use(worker));
    await writeFile(
      join(folder, 'bare.html'),
      `<!doctype html><html lang="en"><body>${use(bare)}</body></html>`,
    );
    const server = await serve(folder);
    const page = await newPage(browser);
    for (const [name, said] of /** @type {const} */ ([
      ['worker', /^step 100, loss \d\.\d\d$/],
      ['bare', /"variant":"(relaxed-)?simd","threads":1/],
    ])) {
      await page.goto(`${server.url}/${name}.html`);
      await page.getByText(said).waitFor();
    }
    await page.close();
    server.close();
  });

  it('the configuration of Vite', async () => {
    const config = use(only('// vite.config.js', javascript));
    await writeFile(join(folder, 'vite.config.js'), config);
    await writePage(folder, 'index.html', '/page.js');
    const server = await createServer({
      ...{ root: folder, logLevel: 'error', cacheDir: join(folder, '.vite-readme') },
      server: { port: 0, host: '127.0.0.1', watch: null },
    });
    await server.listen();
    assert.deepEqual(server.config.optimizeDeps.exclude, ['hyperrouter-wasm']);
    assertRan(await outcomeOf(browser, server.resolvedUrls?.local[0] ?? ''));
    await server.close();
  });

  /** @param {string[]} commands that write `dist` */
  async function build(commands) {
    for (const command of commands) await run('sh', ['-c', command], { cwd: folder });
    await writePage(join(folder, 'dist'), 'index.html', './page.js');
    const server = await serve(join(folder, 'dist'));
    try {
      assertRan(await outcomeOf(browser, `${server.url}/index.html`));
    } finally {
      server.close();
      await remove(join(folder, 'dist'));
    }
  }

  // page.js, a file of these tests, uses the engine on its own thread and in a worker.
  const copies = shell
    .filter((block) => block.includes('npx esbuild page.js'))
    .map((block) => commandsOf(block).slice(1));

  it('the commands for esbuild', async () => {
    const [simple, worker] = shell.filter((block) => block.includes('npx esbuild page.js')).map(use);
    await build([...commandsOf(simple), ...commandsOf(worker)]);
  });

  it('the commands for CommonJS', async () => {
    await writeFile(join(folder, 'main.js'), use(only('// main.js', javascript)));
    for (const command of commandsOf(use(only('npx esbuild main.js', shell))))
      await run('sh', ['-c', command], { cwd: folder });
    assert.equal(await run(process.execPath, [join('out', 'main.cjs')], { cwd: folder }), '1 2 1\n');
  });

  it('the configuration of Rollup', async () => {
    await writeFile(join(folder, 'rollup.config.js'), use(only('// rollup.config.js', javascript)));
    assert.ok(all.includes('`npx rollup --config`'));
    await build(['npx rollup --config', ...copies.flat()]);
  });

  const python = findTool('python3');
  it('the files of the published code', { skip: python ? false : 'there is no python3' }, async () => {
    const sample = only('from safetensors.torch', blocks(all, 'python'));
    const config = { vocabSize: 7, layers: 1, heads: 1, dModel: 4, dHead: 4, dInner: 3, experts: 2, topK: 1 };
    const { load } = await import('../../web/index.js');
    const engine = await load();
    const model = engine.createLanguageModel({ ...config, seed: 3 });
    const state = model
      .parameters()
      .map(({ name, shape, data }) => [name, { shape, numbers: Array.from(data) }]);
    const unused = ['crit.out_layers.0.weight', { shape: [2], numbers: [0, 0] }];
    await writeFile(join(folder, 'model.json'), JSON.stringify(Object.fromEntries([...state, unused])));
    await writeFile(join(folder, 'sample.py'), use(sample));
    await run(/** @type {string} */ (python), [join(HERE, 'convert.py'), 'sample.py'], { cwd: folder });
    const file = await readFile(join(folder, 'model.safetensors'));
    const opened = engine.loadCheckpoint(file, config);
    assert.deepEqual(opened.parameters(), model.parameters());
    engine.dispose();
  });

  it('PyTorch', { skip: torch ? false : 'there is no PyTorch' }, async () => {
    const there = join(folder, 'pytorch');
    await mkdir(there);
    await symlink(join(folder, 'node_modules'), join(there, 'node_modules'));
    await writeFile(join(there, 'book.txt'), 'Once upon a time there were two processes. '.repeat(200));
    const env = {
      ...process.env,
      OMP_NUM_THREADS: '1',
      PYTHONDONTWRITEBYTECODE: '1',
      // Its usual port may be that of another run on this machine.
      PET_MASTER_PORT: String(await freePort()),
    };
    // As the guide says for Debian, where PyTorch has no command torchrun.
    const torchrun = `${torch} -m torch.distributed.run --redirects 9:0 --tee 9:0`;
    assert.ok(all.includes('`python3 -m torch.distributed.run --redirects 9:0 --tee 9:0`'));
    let output = '';
    for (const command of commandsOf(use(only('torchrun', shell)))) {
      const shorter = command.replace('torchrun', torchrun).replace(' --data', ' --steps 4 --every 2 --data');
      output += await run('sh', ['-c', shorter], { cwd: there, env });
    }
    assert.match(output, /^step 2 loss \d.*\nstep 4 loss \d.*\n(.*\n)*Once upon/);
    await writeFile(join(there, 'sample.py'), use(only('from hyperrouter', blocks(all, 'python'))));
    const loss = Number(await run(/** @type {string} */ (torch), ['sample.py'], { cwd: there, env }));
    // One of two classes, by chance: 0.69.
    assert.ok(loss < 0.6, String(loss));
    const { Classifier, load } = await import('../../web/index.js');
    const engine = await load();
    const model = engine.loadCheckpoint(await readFile(join(there, 'points.safetensors')));
    assert.ok(model instanceof Classifier);
    const [above, below] = [model.predict([1, 1]), model.predict([1, -1])];
    assert.ok(above[1] > below[1]);
    engine.dispose();
  });
});

async function freePort() {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

// In this clone, which is new where continuous integration runs: to build the modules in one more says nothing else.
describe('README.md, in a clone', () => {
  /** @type {string} */
  let parent;

  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'hyperrouter-clone-'));
  });
  after(() => remove(parent));

  it('npm pack, and npm install of the file', async () => {
    const [pack, install, ...others] = commandsOf(use(only('npm pack', shell)));
    assert.deepEqual(others, []);
    // Where the second command looks for it, instead of here.
    const clone = join(parent, 'hyperrouter-wasm');
    await mkdir(clone);
    await run('sh', ['-c', `${pack} --pack-destination ${clone}`]);
    const there = join(parent, 'there');
    await mkdir(there);
    await writeFile(join(there, 'package.json'), '{ "private": true, "type": "module" }');
    await run('sh', ['-c', install], { cwd: there });
    await writeFile(join(there, 'sample.js'), first.replace('steps: 250', 'steps: 50'));
    assert.match(await run(process.execPath, ['sample.js'], { cwd: there }), /^50 \d\.\d+\n/);
  });

  it('npm start serves the page', { timeout: 600_000 }, async () => {
    const commands = commandsOf(use(only('npm start', shell)));
    // The second runs all tests, and this one with them.
    assert.deepEqual(commands, ['npm start', 'npm test']);
    const child = spawn(commands[0], {
      shell: true,
      cwd: ROOT,
      detached: true,
      // Vite colours its address where it thinks that a CI service reads it.
      env: { ...process.env, NO_COLOR: '1', CI: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      let said = '';
      for await (const chunk of child.stdout) {
        said += String(chunk);
        if (/http:\/\/localhost:\d+/.test(said)) break;
      }
      const [url] = said.match(/http:\/\/localhost:\d+\//) ?? assert.fail(said);
      const page = await (await fetch(url)).text();
      assert.match(page, /<title>.*HyperRouter/i);
    } finally {
      process.kill(-Number(child.pid));
    }
  });
});

it('every block of code was run', () => {
  const languages = new Set([...all.matchAll(/^```(\w+)\n/gm)].map((match) => match[1]));
  // What is text is what is printed or sent.
  languages.delete('text');
  const missed = [...languages]
    .flatMap((language) => blocks(all, language))
    .filter((block) => !done.has(block) && !cannotRun(block));
  assert.deepEqual(missed, []);
});
