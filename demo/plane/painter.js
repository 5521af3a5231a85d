import { computed, signal } from '@preact/signals';
import { classesOf } from './data.js';
import { decodePainted, encodePainted, mostPainted, snapped } from './painted.js';
import { painted } from './settings.js';

/**
 * @typedef {import('./painted.js').Point} Point
 * @typedef {{ x: number, y: number }} Place
 */

/** A stroke leaves a point this far from its last one, in units of the map. */
const apart = 0.4;
/** What the eraser reaches. */
const eraserReach = 0.5;

/** @param {Place} one @param {Place} other */
const distance = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);

/**
 * The points that are painted. A stroke is drawn as it goes, and becomes a setting, and one change to undo, when it
 * ends.
 *
 * @param {{ state: import('../state.js').State, notify: (kind: 'note', text: string) => void }} parts
 */
export function createPainter({ state, notify }) {
  /** The class that is painted, or -1: the eraser. */
  const tool = signal(0);
  /** The points with the stroke that is not yet ended; null: none is. */
  const draft = signal(/** @type {readonly Point[] | null} */ (null));
  const active = computed(() => state.get('data') === painted);
  /** @type {Place | undefined} the last point of the stroke */
  let last;

  const points = () => decodePainted(String(state.peek('painted')), classesOf(state.values.peek())).points;
  const brush = () => Math.min(tool.peek(), classesOf(state.values.peek()) - 1);

  /** @param {readonly Point[]} next */
  function commit(next) {
    state.setTogether('painted', [['painted', encodePainted(next)]]);
  }

  /**
   * @param {readonly Point[]} before
   * @param {Place} place
   * @returns {readonly Point[]}
   */
  function withPoint(before, place) {
    if (before.length >= mostPainted) {
      notify('note', `There is room for ${mostPainted} painted points.`);
      return before;
    }
    return [...before, snapped({ ...place, id: brush() })];
  }

  /**
   * @param {readonly Point[]} before
   * @param {Place} place
   */
  const without = (before, place) => before.filter((point) => distance(point, place) > eraserReach);

  /** @param {Place} place */
  function extend(place) {
    const before = draft.peek();
    if (!before) return;
    if (tool.peek() < 0) {
      draft.value = without(before, place);
    } else if (!last || distance(last, place) >= apart) {
      last = place;
      draft.value = withPoint(before, place);
    }
  }

  return {
    tool,
    draft,
    active,

    /** @param {Place} place */
    begin(place) {
      last = undefined;
      draft.value = points();
      extend(place);
    },

    extend,

    end() {
      const next = draft.peek();
      draft.value = null;
      if (next && encodePainted(next) !== state.peek('painted')) commit(next);
    },

    cancel() {
      draft.value = null;
    },

    /** What a press of a key does at a place. @param {Place} place @returns {string} what was done */
    press(place) {
      if (tool.peek() < 0) return this.remove(place);
      commit(withPoint(points(), place));
      return `Point placed; there are ${points().length}.`;
    },

    /** Takes away the points at a place. @param {Place} place @returns {string} what was done */
    remove(place) {
      const before = points();
      const next = without(before, place);
      if (next.length === before.length) return 'There is no point here.';
      commit(next);
      return `Removed; there are ${next.length}.`;
    },

    clear: () => commit([]),

    /**
     * Goes on from the points that are there.
     *
     * @param {import('./data.js').Vectors} all
     */
    take({ inputs, targets }) {
      const count = Math.min(targets.length, mostPainted);
      const kept = Array.from({ length: count }, (_, n) => {
        const i = Math.floor((n * targets.length) / count);
        return { x: inputs[2 * i], y: inputs[2 * i + 1], id: targets[i] };
      });
      state.setTogether('data', [
        ['data', painted],
        ['painted', encodePainted(kept)],
      ]);
    },
  };
}

/** @typedef {ReturnType<typeof createPainter>} Painter */
