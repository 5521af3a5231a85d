import { narrow } from '../views/media.js';

const mark = 'is-pointed';

/**
 * Shows an element that a step of a lesson names: outlines it, and scrolls it to where nothing of the page covers it.
 *
 * @param {{ target: readonly string[], drawer?: string }} step
 * @param {() => boolean} openSheet opens the settings if they are a closed sheet, and says whether they were
 * @returns {boolean} whether there is such an element
 */
export function showTarget({ target, drawer }, openSheet) {
  forgetTarget();
  const details = drawer && document.querySelector(`[data-drawer="${drawer}"]`);
  if (details instanceof HTMLDetailsElement) details.open = true;
  const hidden = details || document.querySelector(target.join());
  const opened = Boolean(hidden?.closest('.controls')) && openSheet();
  const found = firstSeen(target);
  if (found) {
    found.classList.add(mark);
    scrollToFree(found);
  }
  // What is in a drawer or a sheet is rendered after it has opened.
  if (opened || (details && found)) {
    setTimeout(() => (found ? found.classList.contains(mark) : !isPointing()) && again(target), 150);
  }
  return opened || found !== undefined;
}

const isPointing = () => document.querySelector(`.${mark}`) !== null;

/** @param {readonly string[]} target */
function again(target) {
  const found = firstSeen(target);
  if (!found || found.classList.contains(mark)) return;
  forgetTarget();
  found.classList.add(mark);
  scrollToFree(found);
}

export function forgetTarget() {
  for (const element of document.querySelectorAll(`.${mark}`)) element.classList.remove(mark);
}

/** @param {readonly string[]} selectors @returns {Element | undefined} */
function firstSeen(selectors) {
  for (const selector of selectors) {
    const found = [...document.querySelectorAll(selector)].find((one) => one.getClientRects().length > 0);
    if (found) return found;
  }
  return undefined;
}

/**
 * Where an element has to go to lie between what sticks to the upper and the lower edge of the window.
 *
 * @param {{ top: number, height: number }} element
 * @param {{ top: number, bottom: number }} free
 * @returns {number} how far to scroll down; 0 if it is in sight already
 */
export function wayTo({ top, height }, free) {
  const room = free.bottom - free.top;
  if (top >= free.top && top + height <= free.bottom) return 0;
  return height > room ? top - free.top : top - free.top - (room - height) / 2;
}

/** @param {Element} element */
function scrollToFree(element) {
  const edge = (/** @type {string} */ selector) => document.querySelector(selector)?.getBoundingClientRect();
  const panel = edge(matchMedia(narrow).matches ? '.lesson-head' : '.lesson');
  const bar =
    getComputedStyle(document.querySelector('.transport') ?? document.body).display === 'contents'
      ? edge('.transport-bar')
      : edge('.transport');
  const time = edge('.scrubber');
  const margin = 12;
  const { top, height } = element.getBoundingClientRect();
  const free = {
    top:
      (panel && panel.width > innerWidth / 2 ? panel.height : 0) +
      (bar && !element.closest('.transport') ? bar.height : 0) +
      margin,
    bottom: (time ? innerHeight - time.height : innerHeight) - margin,
  };
  // What sticks is in sight wherever the page is scrolled to.
  if (element.closest('.transport, .scrubber')) return;
  const sheet = element.closest('.controls.is-open');
  if (sheet && getComputedStyle(sheet).position === 'fixed') {
    element.scrollIntoView({ block: 'nearest' });
    return;
  }
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  scrollBy({ top: wayTo({ top, height }, free), behavior: calm ? 'instant' : 'smooth' });
}
