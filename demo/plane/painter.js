import { computed, signal } from '@preact/signals';
import { classesOf } from './data.js';
import { decodePainted, encodePainted, maxPainted, snapped } from './painted.js';
import { painted } from './settings.js';

/**
 * @typedef {import('./painted.js').Point} Point
 * @typedef {{ x: number, y: number }} Place
 */

/** Distance between the points of a stroke, in map units. */
const spacing = 0.4;
/** Radius of the eraser. */
const eraserRadius = 0.5;

/** @param {Place} one @param {Place} other */
const distance = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);

/**
 * Painting. A stroke is drawn while it is made; when it ends it becomes a setting, undone in one step.
 *
 * @param {{ state: import('../state.js').State, notify: (kind: 'note', text: string) => void }} parts
 */
export function createPainter({ state, notify }) {
  /** The class to paint; -1: the eraser. */
  const tool = signal(0);
  /** The points with the unfinished stroke; null: no stroke. */
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
    if (before.length >= maxPainted) {
      notify('note', `Limit reached: ${maxPainted} points. Erase some to continue.`);
      return before;
    }
    return [...before, snapped({ ...place, id: brush() })];
  }

  /**
   * @param {readonly Point[]} before
   * @param {Place} place
   */
  const without = (before, place) => before.filter((point) => distance(point, place) > eraserRadius);

  /** @param {Place} place */
  function extend(place) {
    const before = draft.peek();
    if (!before) return;
    if (tool.peek() < 0) {
      draft.value = without(before, place);
    } else if (!last || distance(last, place) >= spacing) {
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

    /** Paints at a place, for the keyboard. @param {Place} place @returns {string} an announcement */
    press(place) {
      if (tool.peek() < 0) return this.remove(place);
      commit(withPoint(points(), place));
      return `Point added. Total: ${points().length}.`;
    },

    /** Erases the points near a place. @param {Place} place @returns {string} an announcement */
    remove(place) {
      const before = points();
      const next = without(before, place);
      if (next.length === before.length) return 'No point here.';
      commit(next);
      return `Erased. Total: ${next.length}.`;
    },

    clear: () => commit([]),

    /**
     * Starts painting from the current points.
     *
     * @param {import('./data.js').Vectors} all
     */
    startFrom({ inputs, targets }) {
      const count = Math.min(targets.length, maxPainted);
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
