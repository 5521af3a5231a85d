import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { signal } from '@preact/signals';
import { createState } from '../../demo/state.js';
import { tourSteps } from '../../demo/tour/steps.js';
import { createTour } from '../../demo/tour/tour.js';
import { open, visit } from './browser.js';

describe('the tour', () => {
  it('has ten steps at most, each of three sentences at most', () => {
    assert.ok(tourSteps.length <= 10);
    for (const { title, text } of tourSteps) {
      assert.ok((text.match(/[.!?](?= |$)/g) ?? []).length <= 3, title);
    }
  });

  it('goes from room to room, sets what a step needs, and sees what was tried', async () => {
    const state = createState([
      {
        key: 'topK',
        type: 'integer',
        default: 2,
        min: 1,
        max: 4,
        control: 'range',
        group: 'model',
        effect: 'live',
        label: 'k',
        help: '',
      },
    ]);
    const step = signal(0);
    const rooms = {
      a: { states: [state], run: { step } },
      b: { states: [state], run: null },
    };
    const id = signal('b');
    const room = signal(/** @type {any} */ (rooms.b));
    const shell = /** @type {any} */ ({
      id,
      room,
      async go(/** @type {'a' | 'b'} */ to) {
        id.value = to;
        room.value = rooms[to];
      },
    });
    const tour = createTour(shell, [
      {
        room: 'a',
        title: 'one',
        text: '',
        target: [],
        settings: { topK: 3 },
        done: (run) => run.step.value > 5,
      },
      { room: 'b', title: 'two', text: '', target: [] },
    ]);
    assert.equal(tour.step.value, null);
    await tour.begin();
    assert.equal(id.value, 'a');
    assert.equal(state.get('topK'), 3);
    assert.ok(!tour.tried.value.has(0));
    step.value = 6;
    assert.ok(tour.tried.value.has(0));
    step.value = 0;
    assert.ok(tour.tried.value.has(0), 'what was tried stays so');
    state.undo();
    assert.equal(state.get('topK'), 2, 'what a step sets can be taken back');
    await tour.next();
    assert.equal(id.value, 'b');
    await tour.back();
    assert.equal(tour.index.value, 0);
    await tour.next();
    await tour.next();
    assert.equal(tour.step.value, null);
  });
});

describe('the tour on the page', () => {
  /** @type {import('./browser.js').Site} */
  let site;
  before(async () => {
    site = await open();
  });
  after(() => site?.close());
  afterEach(() => site.clear());

  it('leads through all rooms with the keyboard, and points at what is there', async () => {
    const { page, button, complaints } = await visit(site, '');
    await button('Take the tour').click();
    const panel = page.locator('.tour');
    for (const [i, { title, done }] of tourSteps.entries()) {
      await panel.getByRole('heading', { name: title }).waitFor();
      assert.match(await panel.innerText(), new RegExp(`${i + 1} of ${tourSteps.length}`));
      await page.locator('.is-toured').waitFor();
      await page.getByRole('button', { name: 'Start' }).and(page.locator(':enabled')).first().waitFor();
      if (i === 0) {
        await button('Start').click();
        await panel.getByText('Done.', { exact: true }).first().waitFor();
        await button('Pause').click();
      }
      if (title === 'One expert or several') {
        await page.locator('#setting-topK').press('ArrowRight');
        await panel.getByText('Done.', { exact: true }).first().waitFor();
      }
      if (title === 'Back in time') {
        await button('One step').click();
        assert.ok(done);
        await page.locator('#scrubber:enabled').press('Home');
        await panel.getByText('Done.', { exact: true }).first().waitFor();
      }
      await panel.getByRole('button', { name: i + 1 < tourSteps.length ? 'Next' : 'Finish' }).press('Enter');
    }
    await panel.waitFor({ state: 'detached' });
    await page.locator('.is-toured').waitFor({ state: 'detached' });
    assert.deepEqual(complaints, []);
  });

  it('ends with Escape, and leaves the page usable at 390 pixels', async () => {
    const { page, button } = await visit(site, '', { viewport: { width: 390, height: 844 } });
    await button('Take the tour').click();
    await page.locator('.is-toured').waitFor();
    const height = await page.locator('.tour').evaluate((element) => element.getBoundingClientRect().height);
    assert.ok(height < 844 / 2);
    await page.keyboard.press('Escape');
    await page.locator('.tour').waitFor({ state: 'detached' });
  });
});
