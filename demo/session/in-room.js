import { effect, signal } from '@preact/signals';
import { differenceOf, rebuildValues } from '../config.js';
import { paceOf } from '../schema.js';

/**
 * Connects training to the room that shows it: follows the settings, and pauses in a hidden tab.
 *
 * @typedef {import('../state.js').State} State
 * @typedef {import('../schema.js').Values} Values
 *
 * @typedef {object} Trained one session or several
 * @property {import('@preact/signals').ReadonlySignal<unknown>} built a new object for each model; null: none yet
 * @property {import('@preact/signals').ReadonlySignal<string>} status
 * @property {(values: Values) => boolean} isBuiltWith
 * @property {(options?: First & { back?: boolean, changed?: boolean }) => Promise<unknown>} build back: by undo or redo;
 *   changed: unless the settings are again those of the model when it is its turn
 * @property {(settings: Values) => Promise<unknown>} [tune] applies live settings, where there are any
 * @property {(pace: number) => Promise<unknown>} [setPace] where the pace is a setting
 * @property {() => Promise<unknown>} start
 * @property {() => Promise<unknown>} pause
 * @property {(error: unknown) => void} report
 *
 * @typedef {{ go?: boolean, step?: number }} First whether a new model is trained, and how far before it is shown
 */

/** Why training waits, for the status line; empty: it does not wait. */
export const waitReason = signal('');

/**
 * The settings that the current model was built with, to compare with new ones and to restore.
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
    /** Restores them; does nothing if no model was built yet. */
    goBack: () => state.setAll(Object.entries(builtWith)),
  };
}

/**
 * Builds the first model, builds another one when a setting requires it, and passes on live settings. Settings may
 * change while a model is being built; they are compared again when it is ready.
 *
 * @param {{ trained: Trained, state: State, first: First }} parts
 */
function followSettings({ trained, state, first }) {
  const liveKeys = state.schema.filter(({ effect: does }) => does === 'live').map(({ key }) => key);
  trained.build(first);
  /** @type {Values | undefined} */
  let last;
  let back = false;
  effect(() => {
    const values = state.values.value;
    // A model of settings in between may come later than the last undo, and asks once more for the model of now.
    if (values !== last) [last, back] = [values, state.isGoingBack()];
    if (!trained.built.value || trained.isBuiltWith(values)) return;
    trained.build({ back, changed: true });
  });
  const { tune, setPace } = trained;
  if (tune) {
    effect(() => {
      const values = state.values.value;
      // Where another model follows, they are for that one.
      if (!trained.built.value || !trained.isBuiltWith(values)) return;
      const settings = Object.fromEntries(liveKeys.map((key) => [key, values[key]]));
      tune(settings).catch(trained.report);
    });
  }
  if (setPace) {
    effect(() => {
      setPace(paceOf(state.get('pace'))).catch(trained.report);
    });
  }
}

/**
 * Entering and leaving the room. Training waits while the tab is hidden.
 *
 * @param {object} parts
 * @param {Trained} parts.trained
 * @param {State} parts.state
 * @param {() => First} [parts.first] what becomes of the first model; by default it is not trained
 * @param {() => void} [parts.onReturn] called when training continues after the tab was hidden
 * @param {number} [parts.longestReplay] steps that a link may ask for
 * @param {boolean} [parts.restsWhenLeft] whether training stops when the room is left; otherwise it goes on
 * @param {Pick<Document, 'hidden' | 'addEventListener' | 'removeEventListener'>} [parts.page]
 */
export function createVisits({
  trained,
  state,
  first = () => ({ go: false }),
  onReturn,
  longestReplay = 0,
  restsWhenLeft = false,
  page = document,
}) {
  let begun = false;
  let waiting = false;

  /** @param {number} step that a link opens at */
  function goTo(step) {
    if (step > longestReplay) {
      const reason = `the link opens at step ${step}; the page trains to step ${longestReplay} at most by itself`;
      trained.report(new RangeError(reason));
    }
    return Math.min(step, longestReplay);
  }

  function onVisibility() {
    if (page.hidden && trained.status.peek() === 'running') {
      waiting = true;
      waitReason.value = 'Training is paused while this tab is hidden.';
      trained.pause();
    } else if (!page.hidden && waiting) {
      release();
      onReturn?.();
      trained.start();
    }
  }

  function release() {
    waiting = false;
    waitReason.value = '';
  }

  return {
    /**
     * Must be called after the settings were read from the address.
     *
     * @param {{ at?: number }} [link] at: the step that it opens at
     */
    enter({ at } = {}) {
      const given = at && { go: false, step: goTo(at) };
      if (!begun) followSettings({ trained, state, first: given || first() });
      else if (given) trained.build(given);
      begun = true;
      page.addEventListener('visibilitychange', onVisibility);
    },
    leave() {
      page.removeEventListener('visibilitychange', onVisibility);
      if (waiting) release();
      if (restsWhenLeft) trained.pause();
    },
  };
}
