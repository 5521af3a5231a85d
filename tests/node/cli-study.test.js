/**
 * `study` on the command line: what is killed continues, parts are joined, and the results have the same bytes whichever way they
 * came about. HR_TEST_KILLS=50 kills more often.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as files from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { runHere, start, systemError, text } from './command-line.js';

const KILLS = Number(process.env.HR_TEST_KILLS ?? 3);

const model = {
  ...{ layers: 1, heads: 2, dModel: 8, dHead: 4, dInner: 8, experts: 4, hyperSize: 8 },
  ...{ batchSize: 2, contextLength: 8, memoryLength: 8 },
};
const study = {
  ...{ name: 'tiny', data: ['a.txt', 'b.txt'], model, train: { steps: 20, learningRate: 0.01 } },
  ...{ vary: { router: ['hyperrouter', 'smoe'] }, seeds: [1, 2], evaluate: { topK: [1, 2] } },
};

/** @type {string} */
let folder;
const at = (/** @type {string[]} */ ...names) => join(folder, ...names);
const read = (/** @type {string[]} */ ...names) => readFileSync(at(...names), 'utf8');
const write = (/** @type {string} */ name, /** @type {unknown} */ value) =>
  writeFileSync(at(name), typeof value === 'string' ? value : JSON.stringify(value));
const here = (/** @type {string[]} */ ...args) => runHere(['study', ...args]);

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hyperrouter-study-'));
  write('a.txt', text.slice(0, 1000));
  write('b.txt', text.slice(1000, 1500));
  write('study.json', study);
  const { code, stderr } = await here(at('study.json'), '--out', at('whole'));
  assert.equal(code, 0, stderr);
});
after(() => rmSync(folder, { recursive: true, force: true }));

describe('study', () => {
  it('writes a file for each run, results and a report', () => {
    assert.deepEqual(readdirSync(at('whole')).sort(), [
      ...['machine.json', 'report.md', 'results.json', 'runs', 'study.json'],
    ]);
    const results = JSON.parse(read('whole', 'results.json'));
    assert.deepEqual(results.study, study);
    assert.deepEqual(
      results.data.map((/** @type {any} */ { file, bytes }) => [file, bytes]),
      [
        ['a.txt', Buffer.byteLength(text.slice(0, 1000))],
        ['b.txt', Buffer.byteLength(text.slice(1000, 1500))],
      ],
    );
    const order = results.runs.map((/** @type {any} */ { variant, seed }) => `${variant} ${seed}`);
    assert.deepEqual(order, ['hyperrouter 1', 'hyperrouter 2', 'smoe 1', 'smoe 2']);
    assert.equal(readdirSync(at('whole', 'runs')).length, 4);
    assert.doesNotMatch(read('whole', 'results.json'), /seconds|machine/);
    assert.match(read('whole', 'report.md'), /## Time\n\n0\.00 hours of one core/);
  });

  it('refuses a folder that has runs, and says what continues it', async () => {
    const again = await here(at('study.json'), '--out', at('whole'));
    assert.equal(again.code, 2);
    assert.match(
      again.stderr,
      /whole has 4 runs of a study already; --resume continues it, or choose another --out/,
    );
    const resumed = await here(at('study.json'), '--out', at('whole'), '--resume');
    assert.deepEqual([resumed.code, /^4 runs:/.test(resumed.stdout)], [0, true]);
  });

  it('does not continue with another study or other data', async () => {
    write('other.json', { ...study, name: 'other', seeds: [1, 2, 3] });
    const other = await here(at('other.json'), '--out', at('whole'), '--resume');
    assert.match(other.stderr, /whole has runs of another study: its study\.name was "tiny", and is "other"/);
    cpSync(at('whole'), at('copy', 'whole'), { recursive: true });
    for (const name of ['study.json', 'a.txt', 'b.txt']) cpSync(at(name), at('copy', name));
    write(join('copy', 'b.txt'), text.slice(1500, 2000));
    const changed = await here(at('copy', 'study.json'), '--out', at('copy', 'whole'), '--resume');
    assert.equal(changed.code, 2);
    assert.match(changed.stderr, /whole has runs with other data: b\.txt has changed/);
  });

  it('has the same results after it was killed at any moment', async () => {
    const out = at('killed');
    for (let kill = 0; kill < KILLS; kill++) {
      const { child, ended } = start(
        ['study', 'study.json', '--out', out, '--resume', '--jobs', '2'],
        folder,
      );
      const before = existsSync(join(out, 'runs')) ? readdirSync(join(out, 'runs')).length : 0;
      // After another run, or a little later.
      const runs = () => (existsSync(join(out, 'runs')) ? readdirSync(join(out, 'runs')).length : 0);
      while (child.exitCode === null && runs() <= before) await setTimeout(5);
      await setTimeout(kill * 7);
      child.kill('SIGKILL');
      await ended;
      for (const name of readdirSync(join(out, 'runs')).filter((name) => !name.startsWith('.')))
        assert.equal(
          read('killed', 'runs', name),
          read('whole', 'runs', name),
          'a run is whole or not there',
        );
    }
    const { code, stderr } = await here(at('study.json'), '--out', out, '--resume');
    assert.equal(code, 0, stderr);
    assert.equal(read('killed', 'results.json'), read('whole', 'results.json'));
    assert.deepEqual(readdirSync(join(out, 'runs')).sort(), readdirSync(at('whole', 'runs')).sort());
    assert.deepEqual(
      readdirSync(out).filter((name) => name.startsWith('.')),
      [],
    );
  });

  it('stops at once on Ctrl-C, and says what continues it', async () => {
    write('long.json', { ...study, name: 'long', train: { steps: 1_000_000 } });
    const { child, ended } = start(['study', 'long.json', '--out', 'long'], folder);
    await once(child.stderr, 'data');
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    assert.equal(code, 130);
    assert.match(stderr, /SIGINT: stopped; 4 runs are left\. Continue with --resume/);
    assert.match(read('long', 'report.md'), /\*\*Not finished\*\*: 4 of 4 runs are missing/);
  });

  it('says at which key a study is wrong', async () => {
    write('wrong.json', { ...study, name: 'wrong', vary: { router: ['smo'] } });
    const { code, stderr } = await here(at('wrong.json'), '--out', at('wrong'));
    assert.equal(code, 2);
    assert.match(stderr, /wrong\.json: study\.vary\.router\[0\] must be one of/);
    assert.equal(existsSync(at('wrong')), false);
    write('wrong.json', '{');
    assert.match((await here(at('wrong.json'), '--out', at('wrong'))).stderr, /wrong\.json is not JSON/);
    write('wrong.json', { ...study, name: 'wrong', data: 'c.txt' });
    assert.match(
      (await here(at('wrong.json'), '--out', at('wrong'))).stderr,
      /cannot read .*c\.txt: no such file/,
    );
    assert.match((await here(at('study.json'))).stderr, /--out is missing/);
    const shard = await here(at('study.json'), '--out', at('wrong'), '--shard', '3/2');
    assert.match(shard.stderr, /such as 3\/16/);
  });
});

describe('study merge', () => {
  before(async () => {
    for (const part of [1, 2])
      await here(at('study.json'), '--out', at(`part${part}`), '--shard', `${part}/2`, '--jobs', '1');
  });

  it('gives the results of one run, byte by byte', async () => {
    assert.equal(JSON.parse(read('part1', 'results.json')).missing.length, 2);
    // A part that ran twice is noticed as equal.
    const { code, stdout } = await here(
      'merge',
      at('part1'),
      at('part2'),
      at('whole'),
      '--out',
      at('merged'),
    );
    assert.equal(code, 0);
    assert.match(stdout, /^4 runs; 4 of them in several parts, with the same bytes;/);
    assert.equal(read('merged', 'results.json'), read('whole', 'results.json'));
    const again = await here('merge', at('part1'), at('part2'), '--out', at('merged'));
    assert.match(again.stderr, /merged has results of a study already/);
  });

  it('names a run that differs between two parts', async () => {
    cpSync(at('whole'), at('changed'), { recursive: true });
    const name = join('changed', 'runs', '02-smoe.seed-1.json');
    write(name, read(name).replace(/"fingerprint": "./, '"fingerprint": "x'));
    const { code, stderr } = await here(
      'merge',
      at('part1'),
      at('part2'),
      at('changed'),
      '--out',
      at('merged2'),
    );
    assert.equal(code, 1);
    assert.match(stderr, /the run "smoe", seed 1 \(02-smoe\.seed-1\), differs between .*part1 and .*changed/);
  });

  it('writes the report again, also of results without runs', async () => {
    const report = read('whole', 'report.md');
    for (const name of ['report.md', 'results.json']) rmSync(at('whole', name));
    assert.equal((await here('report', at('whole'))).code, 0);
    assert.equal(read('whole', 'report.md'), report);
    for (const name of ['results.json', 'machine.json']) cpSync(at('whole', name), at('bare', name));
    assert.equal((await here('report', at('bare'))).code, 0);
    assert.equal(read('bare', 'report.md'), report);
    rmSync(at('bare', 'results.json'));
    assert.match((await here('report', at('bare'))).stderr, /has neither runs of a study nor results\.json/);
  });

  it('does not take the file of a study for its results', async () => {
    for (const args of [
      ['report', at('copy')],
      ['merge', at('copy'), '--out', at('joined')],
      [at('study.json'), '--out', at('copy'), '--resume'],
    ])
      assert.match((await here(...args)).stderr, /copy\/study\.json is not what a study writes there/);
  });

  it('says which file of a folder is damaged', async () => {
    /** @type {[name: string, content: unknown, message: RegExp][]} */
    const cases = [
      ['study.json', 'x', /study\.json is damaged: it is not JSON/],
      ['study.json', { study: { name: 3 }, data: [] }, /study\.json: study\.name must be /],
      ['study.json', { study, data: [null] }, /study\.json is not what a study writes there/],
      ['runs/01-hyperrouter.seed-1.json', '{', /seed-1\.json is damaged: it is not JSON/],
      [
        'runs/01-hyperrouter.seed-1.json',
        { variant: 'a', fingerprint: 'b' },
        /seed-1\.json is not a finished run/,
      ],
      [
        'runs/01-hyperrouter.seed-1.json',
        { ...JSON.parse(read('whole', 'runs', '01-hyperrouter.seed-1.json')), byTopK: 3, validation: null },
        /a file in \S+runs is damaged/,
      ],
    ];
    for (const [name, content, message] of cases) {
      rmSync(at('damaged'), { recursive: true, force: true });
      cpSync(at('whole'), at('damaged'), { recursive: true });
      write(join('damaged', name), content);
      const { code, stderr } = await here('report', at('damaged'));
      assert.match(stderr, message);
      assert.ok(code > 0);
    }
    // How long runs took is nobody's result.
    write('damaged/machine.json', { machines: [3], runs: [null] });
    rmSync(at('damaged', 'runs'), { recursive: true });
    assert.equal((await here('report', at('damaged'))).code, 0);
    for (const results of ['x', 'null', '{}', '{"study":{}}', '{"study":{},"data":[null]}']) {
      write('damaged/results.json', results);
      const { stderr } = await here('report', at('damaged'));
      assert.match(stderr, /results\.json does not have the results of a study/);
    }
  });

  it('keeps what it cannot write until it can, or writes it elsewhere', async () => {
    const out = at('full');
    const args = [at('study.json'), '--out', out];
    let left = 3;
    const full = () => systemError('ENOSPC');
    /** @param {(path: string) => boolean} fails */
    const filesWhere = (fails) => ({
      ...files,
      open: async (/** @type {any} */ path, /** @type {any[]} */ ...more) => {
        if (String(path).endsWith('.tmp') && fails(String(path))) throw full();
        return files.open(path, ...more);
      },
    });
    const inRuns = (/** @type {string} */ path) => path.includes(join('full', 'runs'));
    const passing = await runHere(['study', ...args], {
      fs: filesWhere((path) => inRuns(path) && left-- > 0),
    });
    assert.equal(passing.code, 0, passing.stderr);
    assert.match(passing.stderr, /warning: cannot write .*seed-\d\.json: no space .*; the study goes on/);
    for (const name of readdirSync(at('whole', 'runs')))
      assert.equal(read('full', 'runs', name), read('whole', 'runs', name));

    rmSync(out, { recursive: true });
    const lasting = await runHere(['study', ...args], { fs: filesWhere(inRuns), shelters: [at('shelter')] });
    assert.equal(lasting.code, 1);
    const [, place] = /; 4 finished runs are in (\S+): `study merge` joins them/.exec(lasting.stderr) ?? [];
    assert.ok(place?.startsWith(at('shelter')), lasting.stderr);
    assert.equal((await here('merge', place, '--out', at('rescued'))).code, 0);
    assert.equal(read('rescued', 'results.json'), read('whole', 'results.json'));
  });

  it('writes its folder again if somebody removes it', async () => {
    let removed = false;
    const removing = {
      ...files,
      rename: async (/** @type {string} */ from, /** @type {string} */ to) => {
        await files.rename(from, to);
        if (removed || !to.includes(join('gone', 'runs'))) return;
        removed = true;
        rmSync(at('gone'), { recursive: true });
      },
    };
    const { code, stderr } = await runHere(['study', at('study.json'), '--out', at('gone')], {
      fs: removing,
    });
    assert.equal(code, 0, stderr);
    assert.ok(removed);
    assert.deepEqual(readdirSync(at('gone')).sort(), readdirSync(at('whole')).sort());
    assert.equal(read('gone', 'results.json'), read('whole', 'results.json'));
    assert.deepEqual(readdirSync(at('gone', 'runs')), readdirSync(at('whole', 'runs')));
  });
});

describe('a study from another', () => {
  it('takes the models of its results, or runs it first', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `${i % 2 ? 'sheep' : 'wolf'} ${i}\t${i % 2}`);
    write('rows.tsv', rows.join('\n'));
    write('tuned.json', {
      ...{ name: 'tuned', task: 'classify', data: 'rows.tsv', text: 1, label: 2, from: 'tiny', seeds: [1] },
      ...{ validation: 0.3, model: { batchSize: 4 }, train: { steps: 4, learningRate: 0.001 } },
    });
    const first = await here(at('tuned.json'), '--out', at('first', 'tuned'));
    assert.match(first.stderr, /the study "tiny", which it is fine-tuned from, is run first/);
    assert.equal(first.code, 0);
    assert.equal(existsSync(at('first', 'tuned', 'from', 'checkpoints', '02-smoe.seed-1.safetensors')), true);
    // Its parameters are kept now, for there is a study that begins with them.
    await here(at('study.json'), '--out', at('beside', 'pretrained'));
    const beside = await here(at('tuned.json'), '--out', at('beside', 'tuned'));
    assert.doesNotMatch(beside.stderr, /is run first/);
    assert.equal(read('beside', 'tuned', 'results.json'), read('first', 'tuned', 'results.json'));
    const none = await here(at('tuned.json'), '--out', at('none'), '--from', at('whole'));
    assert.match(
      none.stderr,
      /--from .*whole must be the results of the study "tiny", with the parameters of its runs/,
    );
    write('second.json', { ...study, seeds: [7] });
    const twice = await here(at('tuned.json'), '--out', at('none'));
    assert.match(
      twice.stderr,
      /study\.from is "tiny", which are two studies: .*second\.json and .*study\.json/,
    );
    write('lost.json', { ...JSON.parse(read('tuned.json')), from: 'nowhere' });
    assert.match(
      (await here(at('lost.json'), '--out', at('none'))).stderr,
      /study\.from must be a checkpoint .* got "nowhere"/,
    );
  });
});
