import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually, open, small, visit } from './browser.js';

/**
 * A router that is added to the engine as CONTRIBUTING.md says is in every room, without a change of the page.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const added = {
  name: 'bias-only',
  label: 'Only b (bias-only)',
  summary: 'R is random and frozen; only b is trained.',
};

/** @type {string} */
let folder;
/** @type {Awaited<ReturnType<typeof open>>} */
let site;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyperrouter-router-'));
  await build(folder);
  site = await open();
  // The page is the same; only the engine under it is another one.
  const assets = join(site.folder, 'assets');
  const modules = (await readdir(assets)).filter((file) => /^hyperrouter\.simd-.*\.wasm$/.test(file));
  assert.equal(modules.length, 1);
  await cp(join(folder, 'web', 'hyperrouter.simd.wasm'), join(assets, modules[0]));
});
after(async () => {
  await site?.close();
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => site.clear());

/** What the router needs for a configuration key of its own, which no other has: a field, and the trait that it requires. */
const ofKey = /** @type {const} */ ([
  ['hyperrouter.h', '  double router_scale;', '  double bias_spread;'],
  ['hyperrouter.h', '  HR_TRAIT_AMONG_TOKENS = 1 << 16,', '  HR_TRAIT_SPREAD = 1 << 17,'],
  ['config.c', '"differentiable", "amongTokens"', ', "spread"'],
  [
    'config.c',
    'static const hr_field FIELDS[] = {',
    'FIELD("biasSpread", "Standard deviation of the initial b.", NUMBER, bias_spread, ALL, 0, 0, 0, 100, ' +
      '.needs = HR_TRAIT_SPREAD, .strict = 1),',
  ],
  ['router.h', '  int32_t d_model, experts, hyper_size, router_size, vocab_size;', '  double bias_spread;'],
  ['moe.c', '.scale = config->router_scale,', '.bias_spread = config->bias_spread,'],
]);

/**
 * The engine with one more router.
 *
 * @param {string} to a folder
 */
async function build(to) {
  for (const part of ['src', 'wasm', 'CMakeLists.txt']) {
    await cp(join(root, part), join(to, part), { recursive: true });
  }
  await mkdir(join(to, 'web'));
  await cp(join(root, 'tests', 'page', 'router_bias_only.c'), join(to, 'src', 'router_bias_only.c'));
  await insert(join(to, 'src', 'router.h'), 'extern const hr_router_type hr_router_dense;', (line) => {
    return `${line}\nextern const hr_router_type hr_router_bias_only;`;
  });
  await insert(join(to, 'src', 'router.c'), '&hr_router_dense,', (line) => `${line} &hr_router_bias_only,`);
  for (const [file, line, more] of ofKey) await insert(join(to, 'src', file), line, (at) => `${at}\n${more}`);
  await cp(join(root, 'tests', 'page', 'gate_even.c'), join(to, 'src', 'gate_even.c'));
  await insert(join(to, 'src', 'gate.h'), 'extern const hr_gate_type hr_gate_relu;', (line) => {
    return `${line}\nextern const hr_gate_type hr_gate_even;`;
  });
  await insert(join(to, 'src', 'gate.c'), '&hr_gate_expert_choice, &hr_gate_relu,', (line) => {
    return `${line} &hr_gate_even,`;
  });
  await promisify(execFile)(process.execPath, [join(to, 'wasm', 'build.js'), '--target', 'simd'], {
    cwd: to,
  });
}

/**
 * @param {string} path
 * @param {string} line that is there once
 * @param {(line: string) => string} change
 */
async function insert(path, line, change) {
  const text = await readFile(path, 'utf8');
  assert.equal(text.split(line).length, 2, `${path} has the line ${line}`);
  await writeFile(path, text.replace(line, change(line)));
}

describe('an added gate', () => {
  it('is in every room, with the words of the engine', async () => {
    const visited = await visit(site, 'router=smoe&gate=even&pace=full');
    const { page, complaints, train } = visited;
    await page.getByText('The k largest logits, all with the same weight.').waitFor();
    await train(60);
    assertFalling((await runOf(visited)).losses.train);
    const weights = await page.locator('#plane-readout .readout-weights td').allInnerTexts();
    assert.deepEqual(weights.filter(Boolean), ['50', '50']);
    await page.locator('.rooms').getByText('Inside the router').click();
    await page.getByRole('heading', { name: 'Gate: Even (test)' }).waitFor();
    await page.locator('.figure-gate').getByText('The k largest logits, all with the same weight.').waitFor();
    await page.getByText('This page has no formulas for this gate.').waitFor();
    // At k = 2 too: nothing flows back through its weights.
    await page.locator('.figure-router-diagram').getByText('This gate teaches the router nothing').waitFor();
    assert.equal(await page.locator('.router-diagram .link-back').count(), 0);
    assert.deepEqual(complaints, []);

    const text = await visit(site, `${small}&router=smoe&gate=even`);
    await text.train(20);
    assert.equal((await text.readout()).chosen.length, 2);
    assert.deepEqual(text.complaints, []);
  });
});

/** @param {import('./browser.js').Visit} visited chooses the router in the list of them */
async function choose({ page }) {
  const list = page.getByLabel('Router', { exact: true });
  await list.selectOption({ label: added.label });
  assert.equal(await list.inputValue(), added.name);
  await page.waitForFunction((name) => location.hash.includes(`router=${name}`), added.name);
  // Whatever was trained before, this is another model.
  await page.waitForFunction(() => document.querySelector('.facts-row dd')?.textContent === '0');
}

/** @param {readonly number[]} losses one per step */
function assertFalling(losses) {
  const mean = (/** @type {readonly number[]} */ some) => some.reduce((sum, x) => sum + x, 0) / some.length;
  const [first, last] = [mean(losses.slice(0, 5)), mean(losses.slice(-5))];
  assert.ok(last < first, `${first} at first, ${last} in the end`);
}

/** The run as the page keeps it. @param {import('./browser.js').Visit} visited */
async function runOf(visited) {
  const { runs } = await visited.record();
  return runs[0];
}

describe('an added router', () => {
  it('is in the playground', async () => {
    const visited = await visit(site, 'pace=full');
    const { page, complaints, train } = visited;
    await choose(visited);
    await page.getByText(added.summary).waitFor();
    assert.equal(await page.locator('#setting-loadBalanceWeight').count(), 1);
    assert.equal(await page.locator('#setting-hyperSize').count(), 0);
    assert.equal(await page.locator('#setting-topK').count(), 1);
    await train(100);
    assert.match(
      String(await page.locator('#ownership').getAttribute('aria-label')),
      /layer 1\. Share of the map by chosen expert: A .*, F .*; tied \d+ %/,
    );
    assert.equal(await page.locator('.territories li').count(), 6);
    const { chosen, weights } = await page.locator('#plane-readout').evaluate((readout) => ({
      chosen: readout.querySelectorAll('.is-chosen').length,
      weights: [...readout.querySelectorAll('.readout-weights td')].map(({ textContent }) =>
        Number(textContent),
      ),
    }));
    assert.equal(chosen, 2);
    assert.ok(Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 100) <= 1, 'of its two experts');
    const run = await runOf(visited);
    assert.equal(run.router ?? run.config?.router, added.name);
    assertFalling(run.losses.train);
    assert.deepEqual(complaints, []);
  });

  it('brings its configuration key into every room, with the words of the engine, and the engine gets its value', async () => {
    for (const hash of ['pace=full', small]) {
      const visited = await visit(site, hash);
      const { page, complaints } = visited;
      const own = page.locator('#setting-biasSpread');
      const entropy = page.locator('.figure-load .measures tr', { hasText: 'Router entropy' }).locator('td');
      assert.equal(await own.count(), 0, 'no other router has it');
      await choose(visited);
      await page
        .locator('#setting-biasSpread-help')
        .getByText('Standard deviation of the initial b.')
        .waitFor();
      assert.equal(await page.getByLabel('Bias spread').inputValue(), '0');
      await eventually(async () => assert.match((await entropy.allInnerTexts())[0], /^(1\.00|0\.9)/));
      await own.fill('100');
      await own.press('Tab');
      await eventually(async () => assert.match((await entropy.allInnerTexts())[0], /^0\.[01]/));
      assert.match(page.url(), /biasSpread=100/);
      assert.deepEqual(complaints, []);
      await site.clear();
    }
    const { page } = await visit(site, 'room=routers&data=xor&smoe=1&bias-only=1&biasSpread=2');
    assert.equal(await page.getByLabel('Bias spread').inputValue(), '2');
  });

  it('is in the text room', async () => {
    const visited = await visit(site, small);
    const { page, complaints, train, letters, readout } = visited;
    await choose(visited);
    await page.getByText(added.summary).waitFor();
    await train(40);
    await page.waitForFunction(() =>
      [...document.querySelectorAll('#probe .cell')].some((cell) =>
        /[A-D]/.test(cell.getAttribute('data-expert') ?? ''),
      ),
    );
    assert.ok((await letters()).length > 100);
    assert.equal((await readout()).chosen.length, 2);
    assertFalling((await runOf(visited)).losses.train);
    assert.deepEqual(complaints, []);
  });

  it('is compared side by side', async () => {
    const sizes =
      'dModel=32&dInner=32&experts=4&heads=2&dHead=8&batchSize=2&contextLength=32&hyperSize=64&steps=50';
    const visited = await visit(
      site,
      `room=routers&${sizes}&smoe=0&smoe-dropout=0&hyperrouter=0&bias-only=1`,
    );
    const { page, complaints, button, record } = visited;
    const box = page.getByRole('checkbox', { name: added.label });
    assert.equal(await box.isChecked(), true);
    await page.getByText(added.summary).waitFor();
    await button('Start').click();
    await page.getByRole('button', { name: 'Evaluate again' }).waitFor();
    assert.match(await page.locator('.models thead').innerText(), /Dense[\s\S]*Only b/);
    const chart = page.locator('.figure-routers-loss [role=img]').first();
    assert.match(
      String(await chart.getAttribute('aria-label')),
      /Only b \(bias-only\): training \d\.\d\d, held-out \d/,
    );
    assert.match(
      String(await page.locator('.load-history canvas').getAttribute('aria-label')),
      /Expert load in layer 1.*A <?\d+ %, B/,
    );
    const rows = await page.locator('.all-k tbody tr').count();
    assert.equal(rows, 4, 'every k of it was tried');
    const { runs } = await record();
    const own = runs.find((/** @type {any} */ { router }) => router === added.name);
    assert.equal(own.losses.train.length, 50);
    assertFalling(own.losses.train);
    assert.deepEqual(complaints, []);
  });

  it('is shown inside the router', async () => {
    const visited = await visit(site, 'room=inside');
    const { page, complaints, train } = visited;
    await choose(visited);
    await page.locator(`.router-diagram[data-router=${added.name}]`).waitFor();
    await page.locator('.figure-router-diagram').getByText(added.summary).waitFor();
    const tensors = page.locator('.router-diagram table tbody tr');
    const told = async () => (await tensors.allInnerTexts()).map((row) => row.split(/\s+/).filter(Boolean));
    assert.deepEqual(
      (await told()).map((row) => row.join(' ')),
      ['gate.gate.weight 6 × 32 192 frozen –', 'gate.gate.bias 6 6 learned 0'],
    );
    assert.match(
      await page.locator('.learns .is-current').innerText(),
      /Only b[\s\S]*198[\s\S]*partly learned[\s\S]*\b6\b/,
    );
    await train(40);
    await page.getByRole('slider', { name: /^Negative gradient of b/ }).waitFor();
    await page.getByRole('slider', { name: /^R and b/ }).waitFor();
    assert.match((await told())[1].join(' '), /^gate\.gate\.bias 6 6 learned \d/, 'its gradient');
    assert.equal(await page.locator('.router-diagram .link-back').count(), 1, 'the gradient comes back');
    await page.locator('.figure-router-drift').getByText('R is frozen').waitFor();
    const run = await runOf(visited);
    assertFalling(run.losses.train);
    assert.deepEqual(complaints, []);
  });
});
