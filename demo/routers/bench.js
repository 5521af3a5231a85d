import { effect } from '@preact/signals';
import { createSchema } from '../schema.js';
import { createState } from '../state.js';
import { createComparison } from './comparison.js';
import { createKinds } from './kinds.js';
import { chosenRouters, comparisonSettings, fewest, routersOf } from './settings.js';

/**
 * The comparison and its settings, tied together: what is set is done.
 *
 * @param {import('../context.js').Context} context
 */
export function comparisonBench(context) {
  return context.bench('routers', async () => {
    const { language } = context.engine.fields;
    const state = createState(createSchema(comparisonSettings(language), language));
    const comparison = createComparison({
      openClient: context.client,
      state,
      kindOf: createKinds(context.engine),
      frameEvery: context.pictureEvery,
    });
    return { comparison, state, ...createVisits({ comparison, state }) };
  });
}

/**
 * Nobody watches a room that was left, or a hidden tab: training waits, and goes on when the tab is seen again.
 *
 * @param {{ comparison: import('./comparison.js').Comparison, state: import('../state.js').State }} parts
 */
function createVisits({ comparison, state }) {
  let begun = false;
  let here = false;
  let heldBack = false;

  function onVisibility() {
    if (document.hidden && comparison.status.peek() === 'running') {
      heldBack = true;
      comparison.pause();
    } else if (!document.hidden && heldBack) {
      heldBack = false;
      comparison.notify('note', 'Training waited while this tab was hidden; it goes on now.');
      comparison.start();
    }
  }

  function begin() {
    begun = true;
    comparison.build({ go: false });
    effect(() => {
      const values = state.values.value;
      if (comparison.lanes.peek().length && !comparison.isBuiltWith(values)) comparison.build();
    });
    effect(() => {
      comparison.setPace(state.get('pace'));
    });
  }

  return {
    enter() {
      completeRouters({ comparison, state });
      if (!begun) begin();
      if (here) return;
      here = true;
      document.addEventListener('visibilitychange', onVisibility);
    },
    leave() {
      here = false;
      heldBack = false;
      document.removeEventListener('visibilitychange', onVisibility);
      comparison.pause();
    },
  };
}

/**
 * An address may name too few routers for a comparison.
 *
 * @param {{ comparison: import('./comparison.js').Comparison, state: import('../state.js').State }} parts
 */
function completeRouters({ comparison, state }) {
  const chosen = chosenRouters(state.schema, state.values.peek());
  if (chosen.length >= fewest) return;
  const others = routersOf(state.schema).filter(({ name }) => !chosen.includes(name));
  const added = others.slice(0, fewest - chosen.length).map(({ name }) => name);
  state.setAll(added.map((router) => [router, true]));
  comparison.notify(
    'note',
    `A comparison is of ${fewest} routers at least; ${added.join(' and ')} was added.`,
  );
}
