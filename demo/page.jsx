import { effect, signal } from '@preact/signals';
import { render } from 'preact';
import './styles/index.css';
import { createContext } from './context.js';
import { createHiding } from './lessons/hide.js';
import { isolationBreaksPage } from './offline/isolation.js';
import { registerServiceWorker } from './offline/register.js';
import { Threads } from './offline/threads.jsx';
import { createOpening } from './opening/opening.js';
import { OpeningView } from './opening/opening.jsx';
import { isOpening } from './opening/settings.js';
import { createPictureRate } from './picture-rate.js';
import { createRooms, loadRoomAt } from './rooms.js';
import { createShell } from './shell.js';
import { App } from './views/app.jsx';

const root = /** @type {HTMLElement} */ (document.getElementById('app'));

/** The figure that is shown without the rest, in a page that embeds it; null: the whole page. */
const part = new URLSearchParams(location.search).get('embed');
document.documentElement.classList.toggle('is-embedded', part !== null);

const calm = matchMedia('(prefers-reduced-motion: reduce)');
const rate = createPictureRate();
/** Milliseconds between two updates of the figures. */
const pictureEvery = () => (calm.matches ? 500 : rate.interval());

/** The recorded run, which is on the screen before the engine is there. */
const opening =
  part === null && isOpening(location.hash) && !/[#&]at=/.test(location.hash)
    ? createOpening({ calm: calm.matches })
    : null;
if (opening) {
  root.replaceChildren();
  render(<OpeningView opening={opening} />, root);
}

try {
  // The first picture gets all of the network and of the processor.
  if (opening) await painted();
  if (part === null) loadRoomAt(location.hash);
  const [context] = await Promise.all([
    createContext({ pictureEvery, opening }),
    import('./styles/rooms.css'),
  ]);
  start(createShell(createRooms(context, part)), context.engine);
  if (part === null) showArticleFigures(context);
} catch (error) {
  if (await isolationBreaksPage()) location.reload();
  const reason = error instanceof Error ? error.message : String(error);
  render(null, root);
  root.innerHTML = '<p class="notice notice-problem" role="alert"></p>';
  /** @type {HTMLElement} */ (root.firstChild).textContent = `The engine could not be started: ${reason}`;
}

/** What is rendered is on the screen. In a tab that is hidden nothing is drawn, and nothing waits for it. */
function painted() {
  return new Promise((done) => {
    requestAnimationFrame(() => setTimeout(done));
    setTimeout(done, 500);
  });
}

/**
 * @param {import('./shell.js').Shell} shell
 * @param {import('./context.js').Context['engine']} engine
 */
function start(shell, { info: { threads }, fields: { language } }) {
  if (!opening) root.replaceChildren();
  render(<App shell={shell} opening={opening} />, root);
  // Written even if no setting changes, to remove unknown keys from the address.
  const read = () => shell.readAddress(location.hash).then(() => write(shell.address.peek()));
  read();
  effect(() => write(shell.address.value));
  // Where Back or Forward leads to a room that never came, its entry has the address of the one before it.
  addEventListener('popstate', ({ state }) =>
    (state?.to ? shell.go(state.to) : read()).then(returnToArticle),
  );
  const hide = createHiding();
  effect(() => hide(shell.hidden.value));
  let checked = '';
  effect(() => {
    const [room, list] = [shell.room.value, shell.hidden.value];
    if (!room || list === checked) return;
    checked = list;
    if (list) sayWhatCannotBeHidden(room, list, language);
  });
  effect(() => {
    const room = shell.room.value;
    const status = room?.run?.status ?? room?.status;
    root.classList.toggle('is-training', status?.value === 'running');
  });
  followArticleLinks();
  addEventListener('keydown', (event) => onUndoKey(event, shell));
  keepFrames(shell);
  // A frame in another page keeps nothing there.
  if (part !== null) return;
  const kept = signal(false);
  registerServiceWorker(() => {
    const place = /** @type {HTMLElement} */ (document.getElementById('offline'));
    place.textContent = 'Available offline.';
    kept.value = true;
  });
  const place = /** @type {HTMLElement} */ (document.getElementById('threads'));
  render(<Threads threads={threads} kept={kept} />, place);
}

/**
 * @param {import('./shell.js').Room} room
 * @param {string} list what the link hides
 * @param {readonly import('./schema.js').EngineField[]} fields
 */
async function sayWhatCannotBeHidden(room, list, fields) {
  try {
    const { problemsOf } = await import('./lessons/hideable.js');
    room.report(problemsOf(list, fields));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    room.report([`What the link hides could not be checked: ${reason}`]);
  }
}

/** @param {string | undefined} address undefined while a room is loading */
function write(address) {
  if (address === undefined) return;
  // The room has come, and is in the address.
  const state = history.state?.to ? null : history.state;
  if (state === history.state && location.hash === (address && `#${address}`)) return;
  const { pathname, search } = location;
  history.replaceState(state, '', address ? `#${address}` : pathname + search);
}

/**
 * @param {KeyboardEvent} event
 * @param {import('./shell.js').Shell} shell
 */
function onUndoKey(event, shell) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  const target = /** @type {HTMLElement} */ (event.target);
  // Text fields have their own undo.
  if (target.matches('textarea, input:is([type="text"], [type="number"], [type="search"])')) return;
  const key = event.key.toLowerCase();
  if (key === 'z' && !event.shiftKey) shell.undo();
  else if (key === 'y' || (key === 'z' && event.shiftKey)) shell.redo();
  else return;
  event.preventDefault();
}

/**
 * Requests a frame when the last one is drawn and some time has passed, so that the worker never gets ahead of the page.
 * While nothing trains, the browser has nothing to draw.
 *
 * @param {import('./shell.js').Shell} shell
 */
function keepFrames(shell) {
  let last = 0;
  effect(() => {
    const room = shell.room.value;
    const status = room?.run?.status ?? room?.status;
    if (status?.value !== 'running') return;
    rate.begin();
    let next = requestAnimationFrame(function onFrame(now) {
      next = requestAnimationFrame(onFrame);
      rate.onFrame(now);
      const run = room?.run;
      if (run?.status.peek() !== 'running' || now - last < pictureEvery()) return;
      last = now;
      run.frame();
    });
    return () => cancelAnimationFrame(next);
  });
}

/**
 * Figures of the article are loaded when one is near.
 *
 * @param {import('./context.js').Context} context
 */
function showArticleFigures(context) {
  const places = [...document.querySelectorAll('[data-figure]')];
  const observer = new IntersectionObserver(
    async (entries) => {
      const near = entries.filter(({ isIntersecting }) => isIntersecting).map(({ target }) => target);
      if (!near.length) return;
      for (const place of near) observer.unobserve(place);
      try {
        const { mountFigure } = await import('./article/figures.jsx');
        for (const place of near) mountFigure(/** @type {HTMLElement} */ (place), context);
      } catch (error) {
        // To observe a place anew tells at once whether it is near.
        for (const place of near)
          render(<MissingFigure error={error} retry={() => observer.observe(place)} />, place);
      }
    },
    { rootMargin: '300px' },
  );
  for (const place of places) observer.observe(place);
}

/** @param {{ error: unknown, retry: () => void }} props */
const MissingFigure = ({ error, retry }) => (
  <div class="notice notice-problem" role="alert">
    <p>The figure could not be loaded: {error instanceof Error ? error.message : String(error)}</p>
    <button type="button" onClick={retry}>
      Try again
    </button>
  </div>
);

/** @returns {HTMLAnchorElement[]} */
function articleLinks() {
  return [...document.querySelectorAll('.article a[href^="#room="]')].map(
    (link) => /** @type {HTMLAnchorElement} */ (link),
  );
}

/**
 * Links of the article set up the demo above. They also scroll to it and move the focus there. The entry of the history
 * that is left keeps where the link was in the window.
 */
function followArticleLinks() {
  articleLinks().forEach((link, index) => {
    link.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      history.replaceState({ link: index, top: link.getBoundingClientRect().top }, '');
      const id = new URLSearchParams(link.hash.slice(1)).get('room');
      const rooms = document.querySelector('.rooms');
      // A room that is not listed has no link of its own.
      const room = /** @type {HTMLElement | null} */ (
        rooms?.querySelector(`[href="#room=${id}"]`) ?? rooms?.querySelector('a')
      );
      room?.focus({ preventScroll: true });
      room?.scrollIntoView();
    });
  });
}

/** Goes back to the link that was followed, in its place in the window, when the browser's Back leads there. */
async function returnToArticle() {
  const { link: index, top } = /** @type {{ link?: number, top?: number }} */ (history.state ?? {});
  const link = index === undefined ? undefined : articleLinks()[index];
  if (!link || top === undefined) return;
  link.focus({ preventScroll: true });
  // The room above is drawn in the next frames, and moves what is below it.
  for (let frame = 0; frame < 20 && document.activeElement === link; frame++) {
    scrollBy({ top: link.getBoundingClientRect().top - top, behavior: 'instant' });
    await new Promise(requestAnimationFrame);
  }
}
