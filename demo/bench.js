import { effect, signal } from '@preact/signals';

/** Set while the page itself holds a run back. */
export const held = signal('');

/**
 * A run and its settings, tied together: what is set is done.
 *
 * @template {import('./run.js').Run} R
 * @param {{ run: R, state: import('./state.js').State }} parts
 */
export function createBench({ run, state }) {
  let begun = false;
  return {
    run,
    state,

    /**
     * Builds the first model, and another one whenever a setting asks for it; passes on what the running one takes.
     * Called when the settings of the address are there; later calls do nothing.
     */
    begin() {
      if (begun) return;
      begun = true;
      run.build({ go: false });
      effect(() => {
        const values = state.values.value;
        if (run.summary.peek() && !run.isBuiltWith(values)) run.build();
      });
      effect(() => {
        const change = { topK: Number(state.get('topK')), learningRate: Number(state.get('learningRate')) };
        if (run.summary.peek()) run.tune(change).catch(run.report);
      });
      effect(() => {
        run.setPace(state.get('pace')).catch(run.report);
      });
    },
  };
}
