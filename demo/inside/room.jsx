import { computed, effect } from '@preact/signals';
import { openPlaneRun } from '../plane/run.js';
import { createState } from '../state.js';
import { openTextRun } from '../text/run.js';
import { InsideRoom } from './inside.jsx';
import { insideSettings } from './settings.js';

/**
 * A run of another room whose router can be looked into.
 *
 * @typedef {{ run: import('../run.js').Run, state: import('../state.js').State, enter: () => void, leave: () => void }} Source
 *
 * @typedef {{ value: string, label: string, open: (context: import('../context.js').Context) => Promise<Source> }} SourceEntry
 */

/** @type {readonly SourceEntry[]} the first is the usual one */
const sources = [
  { value: 'plane', label: 'the playground', open: openPlaneRun },
  { value: 'text', label: 'the text', open: openTextRun },
];

/**
 * Where a router’s weights come from: a look into the run of another room.
 *
 * @param {import('../context.js').Context} context
 * @returns {Promise<import('../shell.js').Room>}
 */
export async function openRoom(context) {
  const opened = await Promise.all(sources.map(({ open }) => open(context)));
  const own = createState(insideSettings(sources.map(({ value, label }) => ({ value, label }))));
  const source = computed(() => opened[sources.findIndex(({ value }) => value === own.get('of'))]);
  let entered = false;
  let before = source.peek();
  effect(() => {
    const now = source.value;
    if (now === before) return;
    // One run at a time: the other one is not seen any more.
    before.run.pause();
    if (entered) {
      before.leave();
      now.enter();
    }
    before = now;
  });
  return {
    get states() {
      return [source.value.state, own];
    },
    get run() {
      return source.value.run;
    },
    // Whose router it is decides whose settings the rest of the address is about.
    readAddress: (settings) => [...own.readAddress(settings), ...source.peek().state.readAddress(settings)],
    enter() {
      entered = true;
      source.peek().enter();
    },
    leave() {
      entered = false;
      source.peek().leave();
    },
    report: (problems) => {
      for (const problem of problems) source.peek().run.notify('note', problem);
    },
    View: () => {
      const { run, state } = source.value;
      return <InsideRoom key={String(own.get('of'))} run={run} state={state} own={own} />;
    },
  };
}
