import { effect, signal } from '@preact/signals';
import { differenceOf, rebuildValues } from '../config.js';
import { paceOf } from '../schema.js';

/**
 * What ties training to the room where it is shown: to its settings, and to whether anybody watches.
 *
 * @typedef {import('../state.js').State} State
 * @typedef {import('../schema.js').Values} Values
 *
 * @typedef {object} Trained one session, or several together
 * @property {import('@preact/signals').ReadonlySignal<unknown>} built another object for each model; null: none yet
 * @property {import('@preact/signals').ReadonlySignal<string>} status
 * @property {(values: Values) => boolean} isBuiltWith
 * @property {(options?: { go: boolean }) => Promise<unknown>} build
 * @property {(settings: Values) => Promise<unknown>} tune takes what may be changed while it trains
 * @property {(pace: number) => Promise<unknown>} setPace
 * @property {() => Promise<unknown>} start
 * @property {() => Promise<unknown>} pause
 * @property {(error: unknown) => void} report
 */

/** Why training is held back, as the status line says it; empty: it is not. */
export const held = signal('');

/**
 * The settings that models were built with, to compare with those of now, and to go back to.
 *
 * @param {State} state
 */
export function createBuiltWith(state) {
  /** @type {Values} */
  let builtWith = {};
  return {
    get values() {
      return builtWith;
    },
    /** @param {Values} values */
    set(values) {
      builtWith = rebuildValues(state, values);
    },
    /** @param {Values} values */
    is: (values) => differenceOf(state, rebuildValues(state, values), builtWith) === '',
    /** Where nothing was built yet, settings stay as they are. */
    goBack: () => state.setAll(Object.entries(builtWith)),
  };
}

/**
 * What is set is done: builds the first model, another one whenever a setting asks for it, and passes on what the
 * running one takes. Settings may change while a model is being built; they are compared again when it is there.
 *
 * @param {{ trained: Trained, state: State }} parts
 */
function followSettings({ trained, state }) {
  const liveKeys = state.schema.filter(({ effect: does }) => does === 'live').map(({ key }) => key);
  trained.build({ go: false });
  effect(() => {
    const values = state.values.value;
    if (trained.built.value && !trained.isBuiltWith(values)) trained.build();
  });
  effect(() => {
    const settings = Object.fromEntries(liveKeys.map((key) => [key, state.get(key)]));
    if (trained.built.value) trained.tune(settings).catch(trained.report);
  });
  effect(() => {
    trained.setPace(paceOf(state.get('pace'))).catch(trained.report);
  });
}

/**
 * Entering and leaving the room. Nobody watches a hidden tab: training waits, and goes on when the tab is seen again.
 *
 * @param {object} parts
 * @param {Trained} parts.trained
 * @param {State} parts.state
 * @param {() => void} [parts.onReturn] hears that training goes on after a while in a hidden tab
 * @param {boolean} [parts.restsWhenLeft] whether training ends when the room is left; otherwise it goes on unseen
 * @param {Pick<Document, 'hidden' | 'addEventListener' | 'removeEventListener'>} [parts.page]
 */
export function createVisits({ trained, state, onReturn, restsWhenLeft = false, page = document }) {
  let begun = false;
  let heldBack = false;

  function onVisibility() {
    if (page.hidden && trained.status.peek() === 'running') {
      heldBack = true;
      held.value = 'Training waits while this tab is hidden.';
      trained.pause();
    } else if (!page.hidden && heldBack) {
      release();
      onReturn?.();
      trained.start();
    }
  }

  function release() {
    heldBack = false;
    held.value = '';
  }

  return {
    /** Called when the settings of the address are there. */
    enter() {
      if (!begun) followSettings({ trained, state });
      begun = true;
      page.addEventListener('visibilitychange', onVisibility);
    },
    leave() {
      page.removeEventListener('visibilitychange', onVisibility);
      if (heldBack) release();
      if (restsWhenLeft) trained.pause();
    },
  };
}
