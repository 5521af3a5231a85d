import { computed, signal } from '@preact/signals';
import { drawn, isCurve } from '../curve/data.js';
import { classesOf, handmadeIn, handmadePoints } from './data.js';
import { encodePainted, maxPainted, snapped } from './painted.js';
import { painted } from './settings.js';

/**
 * @typedef {import('./painted.js').Point} Point
 * @typedef {{ x: number, y: number }} Place
 */

/** Distance between the points of a stroke, in map units. */
const spacing = 0.4;
/** Painting starts with at most so many points of the data set: the others of `maxPainted` are for strokes. */
const maxStart = 180;
/** Radius of the eraser. */
const eraserRadius = 0.5;

export const fullWords = `Limit reached: ${maxPainted} points. Erase some to continue.`;

/** @param {Place} one @param {Place} other */
const distance = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);

/**
 * Painting. A stroke is drawn while it is made; when it ends it becomes a setting, undone in one step.
 *
 * @param {{ state: import('../state.js').State }} parts
 */
export function createPainter({ state }) {
  /** The class to paint; -1: the eraser. */
  const tool = signal(0);
  /** The points with the unfinished stroke; null: no stroke. */
  const draft = signal(/** @type {readonly Point[] | null} */ (null));
  const active = computed(() => handmadeIn(state.values.value) !== undefined);
  /** Whether no more points can be painted. It is said beside the map for as long as it is so. */
  const full = computed(() => {
    const now = draft.value ?? handmadePoints(state.values.value).points;
    return now.length >= maxPainted;
  });
  /** @type {Place | undefined} the last point of the stroke */
  let last;

  const points = () => handmadePoints(state.values.peek()).points;
  const source = () => handmadeIn(state.values.peek()) ?? painted;
  const brush = () => Math.min(tool.peek(), classesOf(state.values.peek()) - 1);

  /** @param {readonly Point[]} next */
  function commit(next) {
    state.setTogether(source(), [[source(), encodePainted(next)]]);
  }

  /**
   * @param {readonly Point[]} before
   * @param {Place} place
   * @returns {readonly Point[]}
   */
  function withPoint(before, place) {
    if (before.length >= maxPainted) return before;
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
    full,

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
      if (next && encodePainted(next) !== state.peek(source())) commit(next);
    },

    cancel() {
      draft.value = null;
    },

    /** Paints at a place, for the keyboard. @param {Place} place @returns {string} an announcement */
    press(place) {
      if (tool.peek() < 0) return this.remove(place);
      if (full.peek()) return fullWords;
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
      const share = Math.min(1, maxStart / targets.length);
      // Class by class: whatever their order, each keeps its share.
      const kept = [...new Set(targets)].flatMap((id) => {
        const own = Array.from(targets.keys()).filter((i) => targets[i] === id);
        const count = Math.floor(share * own.length);
        return Array.from({ length: count }, (_, n) => {
          const i = own[Math.floor((n * own.length) / count)];
          return { x: inputs[2 * i], y: inputs[2 * i + 1], id };
        });
      });
      const code = encodePainted(kept);
      if (isCurve(state.values.peek())) {
        state.setTogether('curve', [
          ['curve', drawn],
          [drawn, code],
        ]);
      } else {
        state.setTogether('data', [
          ['data', painted],
          [painted, code],
        ]);
      }
    },
  };
}

/** @typedef {ReturnType<typeof createPainter>} Painter */
