import { computed, effect } from '@preact/signals';
import { openPlaneRun } from '../plane/run.js';
import { createState } from '../state.js';
import { openTextRun } from '../text/run.js';
import { InsideRoom } from './inside.jsx';
import { insideSettings } from './settings.js';

/**
 * A run of another room whose router can be inspected.
 *
 * @typedef {{ run: import('../run.js').Run, state: import('../state.js').State, enter: (link?: { at?: number }) => void, leave: () => void }} Source
 *
 * @typedef {{ value: string, label: string, open: (context: import('../context.js').Context) => Promise<Source> }} SourceEntry
 */

/** @type {readonly SourceEntry[]} the first is the default */
const sources = [
  { value: 'plane', label: 'Playground', open: openPlaneRun },
  { value: 'text', label: 'Text', open: openTextRun },
];

/**
 * Inside the router of another room’s run: where its weights come from.
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
    // One run at a time: the other one is no longer visible.
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
    // The setting `of` decides which run's settings the rest of the address holds.
    readAddress: (settings) => [...own.readAddress(settings), ...source.peek().state.readAddress(settings)],
    enter(link) {
      entered = true;
      source.peek().enter(link);
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
