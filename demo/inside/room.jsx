import { computed, effect } from '@preact/signals';
import { createState } from '../state.js';
import { sources } from './benches.js';
import { InsideRoom } from './inside.jsx';
import { insideSettings } from './settings.js';

/**
 * Where a router’s weights come from: a look into the run of another room.
 *
 * @param {import('../context.js').Context} context
 * @returns {Promise<import('../shell.js').Room>}
 */
export async function openRoom(context) {
  const opened = await Promise.all(sources.map(({ open }) => open(context)));
  const own = createState(insideSettings(sources.map(({ value, label }) => ({ value, label }))));
  const bench = computed(() => opened[sources.findIndex(({ value }) => value === own.get('of'))]);
  let entered = false;
  /** @type {import('../run.js').Run | undefined} */
  let before;
  effect(() => {
    const { run, begin } = bench.value;
    // One run at a time: the other one is not seen any more.
    if (before && before !== run && before.status.peek() === 'running') before.pause();
    before = run;
    if (entered) begin();
  });
  return {
    get states() {
      return [bench.value.state, own];
    },
    get run() {
      return bench.value.run;
    },
    // Whose router it is decides whose settings the rest of the address is about.
    readAddress: (settings) => [...own.readAddress(settings), ...bench.peek().state.readAddress(settings)],
    enter() {
      entered = true;
      bench.peek().begin();
    },
    leave() {
      entered = false;
    },
    report: (problems) => {
      for (const problem of problems) bench.peek().run.notify('note', problem);
    },
    View: () => {
      const { run, state } = bench.value;
      return <InsideRoom key={String(own.get('of'))} run={run} state={state} own={own} />;
    },
  };
}
