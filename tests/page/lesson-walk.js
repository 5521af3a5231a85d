/**
 * The lessons as a reader does them, from the question to the conclusion, with the keyboard alone or by touch alone, in any
 * browser.
 */
import assert from 'node:assert/strict';
import { lessons } from '../../demo/lessons/list.js';

/**
 * What a browser is asked for. Functions run in the page, so that they must not use anything from outside.
 *
 * @typedef {object} Browser
 * @property {<A extends unknown[], T>(run: (...args: A) => T, ...args: A) => Promise<Awaited<T>>} evaluate
 * @property {(key: string) => Promise<unknown>} press a key, by its name in `KeyboardEvent.key`
 * @property {(x: number, y: number) => Promise<unknown>} [tap] at a place of the window
 * @property {(selector: string, value: string) => Promise<unknown>} [select] as a list of the system does it
 *
 * @typedef {object} Hand how a reader gets at the page
 * @property {(selector: string, text?: string) => Promise<void>} press a button that begins with a text
 * @property {(selector: string, text: string) => Promise<void>} choose one of a group
 * @property {(selector: string, value: string) => Promise<void>} pick from a list
 * @property {(selector: string, value: string) => Promise<void>} slide
 * @property {(selector: string, text: string) => Promise<void>} type
 */

/** How long anything may take, milliseconds. */
const patience = 180_000;

/**
 * Runs in the page: where an element is that is shown and can be used, and what it has.
 *
 * @param {string} selector
 * @param {string} text it, or its label, begins with
 * @param {number} [share] of its width, where it is to be tapped: scrolls it into view, and notes when it is used
 */
function found(selector, text, share) {
  const all = /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll(selector));
  const one = [...all].find(
    (each) =>
      each.getClientRects().length > 0 &&
      !each.disabled &&
      (each.closest('label') ?? each).textContent?.trim().startsWith(text),
  );
  if (!one) return null;
  const now = /** @type {HTMLInputElement} */ (document.activeElement);
  const taps = /** @type {{ tapped?: boolean }} */ (window);
  if (share !== undefined) {
    one.scrollIntoView({ block: 'center', behavior: 'instant' });
    taps.tapped = false;
    const note = () => {
      taps.tapped = true;
    };
    // A slider that is tapped is not clicked.
    for (const type of ['click', 'input']) one.addEventListener(type, note, { once: true });
  }
  const { left, top, width, height } = one.getBoundingClientRect();
  const [x, y] = [left + (share ?? 0) * width, top + height / 2];
  const above = document.elementFromPoint(x, y);
  return {
    // The choices of a group are one stop of the Tab key.
    focused: one === now || (one.type === 'radio' && one.name === now.name),
    itself: one === now,
    before: Boolean(one.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_FOLLOWING),
    checked: one.checked,
    value: one.value,
    x,
    y,
    // What lies over it where it is to be tapped; empty: nothing does.
    covered: (one.closest('label') ?? one).contains(above)
      ? ''
      : (above?.outerHTML.slice(0, 80) ?? 'the edge'),
  };
}

/**
 * What becomes true in the end.
 *
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} read
 * @returns {Promise<NonNullable<T>>}
 */
async function until(what, read) {
  for (const end = Date.now() + patience; Date.now() < end; ) {
    const value = await read();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return assert.fail(`${what} has not come`);
}

/** @param {Browser} browser @param {string} selector @param {string} [text] @param {number} [share] */
const look = (browser, selector, text = '', share = undefined) =>
  until(`${selector} ${text}`, () => browser.evaluate(found, selector, text, share));

/** @param {Browser} browser @returns {Hand} */
export function keyboard(browser) {
  /** @param {string} selector @param {string} [text] */
  async function reach(selector, text) {
    for (let i = 0; i < 400; i++) {
      const { focused, before } = await look(browser, selector, text);
      if (focused) return;
      await browser.press(before ? 'Shift+Tab' : 'Tab');
    }
    assert.fail(`Tab does not lead to ${selector} ${text ?? ''}`);
  }
  /** @param {string} selector @param {string} key @param {(value: string) => boolean} is */
  async function pressUntil(selector, key, is) {
    for (let i = 0; i < 60; i++) {
      const { value } = await look(browser, selector);
      if (is(value)) return;
      await browser.press(key);
    }
    assert.fail(`${key} does not lead to the value of ${selector}`);
  }
  return {
    async press(selector, text) {
      await reach(selector, text);
      await browser.press('Enter');
    },
    async choose(selector, text) {
      await reach(selector, text);
      if (!(await look(browser, selector, text)).itself) {
        for (let i = 0; i < 9 && !(await look(browser, selector, text)).itself; i++)
          await browser.press('ArrowDown');
      } else await browser.press(' ');
      assert.ok((await look(browser, selector, text)).checked, text);
    },
    async pick(selector, value) {
      await reach(selector);
      const down = await browser.evaluate(
        (of, to) => {
          const { options, selectedIndex } = /** @type {HTMLSelectElement} */ (document.querySelector(of));
          return [...options].findIndex((one) => one.value === to) > selectedIndex;
        },
        selector,
        value,
      );
      await pressUntil(selector, down ? 'ArrowDown' : 'ArrowUp', (now) => now === value);
    },
    async slide(selector, value) {
      await reach(selector);
      const up = Number((await look(browser, selector)).value) < Number(value);
      await pressUntil(selector, up ? 'ArrowRight' : 'ArrowLeft', (now) => Number(now) === Number(value));
    },
    async type(selector, text) {
      await reach(selector);
      await browser.press('Control+a');
      for (const key of [...text, 'Enter']) await browser.press(key);
    },
  };
}

/** @param {Browser} browser that can tap @returns {Hand} */
export function touch(browser) {
  /** @param {string} selector @param {string} [text] @param {number} [share] of the width */
  async function tap(selector, text, share = 0.5) {
    for (const end = Date.now() + patience; Date.now() < end; ) {
      const { x, y } = await atRest(selector, text, share);
      await browser.tap?.(x, y);
      // If the page moved under the finger, a reader taps again.
      for (let i = 0; i < 100; i++) {
        if (await browser.evaluate(() => /** @type {{ tapped?: boolean }} */ (window).tapped)) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    assert.fail(`taps do not come to ${selector} ${text ?? ''}`);
  }
  /** @param {string} selector @param {string | undefined} text @param {number} share */
  async function atRest(selector, text, share) {
    let [last, rests] = [-1, 0];
    let covered = '';
    for (const end = Date.now() + patience; Date.now() < end; ) {
      const one = await look(browser, selector, text, share);
      rests = one.y === last ? rests + 1 : 0;
      last = one.y;
      covered = one.covered;
      if (rests > 1 && !covered) return one;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return assert.fail(`${selector} ${text ?? ''} does not rest, or is covered: ${covered}`);
  }
  return {
    press: (selector, text) => tap(selector, text),
    choose: (selector, text) => tap(selector, text),
    async pick(selector, value) {
      assert.ok(browser.select, 'a browser that can choose from a list');
      await browser.select(selector, value);
    },
    async slide(selector, value) {
      await look(browser, selector);
      const [least, most] = await browser.evaluate((of) => {
        const { min, max } = /** @type {HTMLInputElement} */ (document.querySelector(of));
        return [Number(min), Number(max)];
      }, selector);
      const share = (Number(value) - least) / (most - least);
      // The knob is about 16 pixels wide, and its middle does not come nearer to the edges.
      await tap(selector, '', 0.05 + 0.9 * share);
      const now = (await look(browser, selector)).value;
      assert.ok(Math.abs(Number(now) - Number(value)) <= (most - least) / 8, `${selector} is at ${now}`);
    },
    async type(selector, text) {
      await tap(selector);
      await browser.press('Control+a');
      for (const key of [...text, 'Enter']) await browser.press(key);
    },
  };
}

const start = '.transport .start';

/**
 * Presses Start, and again where the press came while another model was being built.
 *
 * @param {Hand} hand
 * @param {Browser} browser
 */
async function train(hand, browser) {
  const begun = () =>
    browser.evaluate((of) => document.querySelector(of)?.textContent?.trim() === 'Pause', start);
  for (const end = Date.now() + patience; Date.now() < end; ) {
    await hand.press(start, 'Start');
    // Long enough for a slow machine to build the model: a second press would take back the first.
    for (let i = 0; i < 800; i++) {
      if (await begun()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  assert.fail('training does not begin');
}

/**
 * On a phone, the settings are a sheet, which lies over the run while it is open.
 *
 * @param {Hand} hand
 * @param {Browser} browser
 * @param {() => Promise<void>} change
 */
async function inSettings(hand, browser, change) {
  const closed = '.to-settings[aria-expanded="false"]';
  const isSheet = await browser.evaluate(found, closed, '');
  if (isSheet) await hand.press(closed);
  await change();
  if (isSheet) await hand.press('.sheet-head button', 'Done');
}

/** What a reader does in the run, by lesson. @type {Record<string, (hand: Hand, browser: Browser) => Promise<void>>} */
const runs = {
  'top-k': train,
  async starvation(hand, browser) {
    await hand.press('.lesson-steps button[aria-label*="Cure 1"]');
    await hand.slide('#setting-loadBalanceWeight', '0.1');
    await train(hand, browser);
  },
  async collapse(hand, browser) {
    await hand.type('#setting-seed', '1');
    await train(hand, browser);
  },
  async 'one-expert'(hand, browser) {
    await inSettings(hand, browser, () => hand.pick('#setting-gate', 'softmax-topk'));
    await train(hand, browser);
  },
  async 'expert-choice'(hand, browser) {
    await inSettings(hand, browser, () => hand.pick('#setting-gate', 'sigmoid'));
    await hand.press('.lesson-steps button[aria-label*="balance rate"]');
    await hand.slide('#setting-balanceRate', '0.02');
    await train(hand, browser);
  },
  async 'k-at-inference'(hand, browser) {
    await train(hand, browser);
    await until('step 400', () =>
      browser.evaluate(
        () => Number(document.querySelector('.facts-row dd')?.textContent?.replace(',', '')) >= 400,
      ),
    );
    await hand.press(start, 'Pause');
    await hand.press('.figure-top-k button', 'Evaluate every k');
    await until('every k', () =>
      browser.evaluate(() => document.querySelectorAll('.by-k tbody tr').length === 6),
    );
    await inSettings(hand, browser, () => hand.slide('#setting-topK', '3'));
  },
  hyperrouter: train,
};

/**
 * Does a lesson that has just begun, up to its conclusion.
 *
 * @param {Browser} browser
 * @param {Hand} hand
 * @param {string} id
 */
export async function doLesson(browser, hand, id) {
  const lesson = lessons.find((one) => one.id === id) ?? assert.fail(id);
  await until(lesson.title, () =>
    browser.evaluate(
      (title) => document.querySelector('#lesson-title')?.textContent?.endsWith(title),
      lesson.title,
    ),
  );
  const right = lesson.question.choices.find((choice) => choice.right)?.text ?? '';
  await hand.choose('.lesson-choices input', right);
  await hand.press('.lesson button', 'To the run');
  await look(browser, start, 'Start');
  await runs[id](hand, browser);
  await until(`the task of ${id}`, () =>
    browser.evaluate(() => document.querySelector('.lesson-short')?.textContent === 'Task done'),
  ).catch(async (error) => {
    const shown = await browser.evaluate(() =>
      ['.facts-row', '.transport .start', '.status', '.notices', '.lesson']
        .map((part) => document.querySelector(part)?.textContent?.replace(/\s+/g, ' '))
        .concat(location.hash)
        .join(' | '),
    );
    throw new Error(`${error.message}: ${shown}`, { cause: error });
  });
  await hand.press('.lesson button', 'What to conclude');
  await until('the conclusion', () =>
    browser.evaluate(
      (text) => document.querySelector('.lesson-conclusions')?.textContent?.includes(text),
      lesson.conclude[0],
    ),
  );
}

/**
 * Does all lessons, one after another.
 *
 * @param {Browser} browser at the page
 * @param {Hand} hand
 */
export async function doAllLessons(browser, hand) {
  await hand.press('.lessons-entry button', 'Lessons');
  await hand.press('.lesson-list button', lessons[0].title);
  for (const [i, { id }] of lessons.entries()) {
    await doLesson(browser, hand, id);
    const last = i + 1 === lessons.length;
    await hand.press('.lesson button', last ? 'Finish' : 'Next: ');
  }
  await until('the end', () => browser.evaluate(() => document.querySelector('.lesson') === null));
}

/** @param {import('playwright-core').Page} page @returns {Browser} */
export const ofPlaywright = (page) => ({
  // As text: the policy of the page allows none to be made there.
  evaluate: (run, ...args) => page.evaluate(`(${run})(...${JSON.stringify(args)})`),
  press: (key) => page.keyboard.press(key === ' ' ? 'Space' : key),
  tap: (x, y) => page.touchscreen.tap(x, y),
  select: (selector, value) => page.locator(selector).selectOption(value),
});
