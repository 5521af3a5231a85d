/**
 * All lessons from the first question to the last conclusion, with the keyboard and by touch, in each browser. This takes
 * minutes: HR_TEST_LESSONS=1 does it, HR_TEST_LESSONS=firefox in one browser. Other tests do one lesson in each.

 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { launchWebKit, noWebKit } from '../webkit.js';
import { open, visit } from './browser.js';
import { doAllLessons, keyboard, ofPlaywright, touch } from './lesson-walk.js';

const wanted = process.env.HR_TEST_LESSONS ?? '';
const names = /** @type {const} */ (['chromium', 'firefox']);
/** @param {string} name */
const skip = (name) => !['1', name].includes(wanted) && 'HR_TEST_LESSONS=1 does all lessons in each browser';

for (const name of names) {
  describe(`all lessons in ${name}`, { skip: skip(name) }, () => {
    /** @type {import('./browser.js').Site} */
    let site;
    before(async () => {
      site = await open(name);
    });
    afterEach(() => site.clear());
    after(() => site?.close());

    it('are done with the keyboard alone', async () => {
      const { page, complaints } = await visit(site, 'play=0', { drawers: false });
      const browser = ofPlaywright(page);
      await doAllLessons(browser, keyboard(browser));
      assert.deepEqual(complaints, []);
    });

    // A tap of playwright-core does nothing in Firefox.
    for (const [size, viewport] of /** @type {const} */ ([
      ['a phone', { width: 390, height: 844 }],
      ['a tablet', { width: 1024, height: 768 }],
    ])) {
      it(`are done by touch on ${size}`, { skip: name === 'firefox' }, async () => {
        const device = { viewport, hasTouch: true, isMobile: true };
        const { page, complaints } = await visit(site, 'play=0', { drawers: false, ...device });
        const browser = ofPlaywright(page);
        await doAllLessons(browser, touch(browser));
        assert.deepEqual(complaints, []);
      });
    }
  });
}

describe('all lessons in WebKit', { skip: noWebKit || skip('webkit') }, () => {
  /** @type {import('./browser.js').Site} */
  let site;
  before(async () => {
    site = await open();
  });
  after(() => site?.close());

  for (const [how, handOf] of /** @type {const} */ ([
    ['with the keyboard alone', keyboard],
    ['by touch', touch],
  ])) {
    it(`are done ${how}`, async () => {
      const page = await launchWebKit();
      try {
        await page.goto(`${site.url}#play=0`);
        await page.waitFor('the page', () => document.querySelector('.transport .start:enabled') !== null);
        const browser = { ...page, select: selectIn(page) };
        await doAllLessons(browser, handOf(browser));
      } finally {
        await page.close();
      }
    });
  }
});

/**
 * The list of the system, which is no part of the page, is left out.
 *
 * @param {import('../webkit.js').WebKitPage} page
 */
const selectIn = (page) => (/** @type {string} */ selector, /** @type {string} */ value) =>
  page.evaluate(
    (of, to) => {
      const list = /** @type {HTMLSelectElement} */ (document.querySelector(of));
      list.value = to;
      list.dispatchEvent(new Event('change', { bubbles: true }));
    },
    selector,
    value,
  );
