import { computed } from '@preact/signals';
import { refineOwners } from './borders.js';
import { owners, weightsByExpert } from './fields.js';
import { pointOutcomes } from './outcomes.js';
import { largestRegions } from './regions.js';

/** With fewer places per side, the boundaries between colours look coarse. */
const fineSize = 192;

/**
 * What several figures need of the selected layer, computed once for all, and only while one is shown.
 *
 * @typedef {object} LayerMap
 * @property {import('./frame.js').MapShape} shape
 * @property {import('../routing.js').LayerRouting} routing at each of size² places
 *
 * @param {import('./run.js').PlaneRun} run
 * @param {import('../state.js').State} state
 */
export function createViews(run, state) {
  const layer = computed(() => {
    const map = run.map.value;
    const routing = map?.views.places[Number(state.get('layer')) - 1];
    return map && routing ? { shape: map.shape, routing } : null;
  });
  const owned = computed(() => (layer.value ? owners(layer.value.routing, layer.value.shape) : null));

  /** The routing of the points themselves; null where it is that of other points than those that are drawn. */
  const points = computed(() => {
    const map = run.map.value;
    const routing = map?.views.points[Number(state.get('layer')) - 1];
    return map && routing && map.data === run.data.value
      ? { shape: map.shape, routing, data: map.data }
      : null;
  });

  return {
    layer,
    points,
    /** What became of each point. */
    outcomes: computed(() => (points.value ? pointOutcomes(points.value) : null)),
    /** The owners as the engine chose them, [size²]; `fineOwned`: on a finer grid. */
    owned,
    fineOwned: computed(() => {
      if (!layer.value || !owned.value) return null;
      const { shape, routing } = layer.value;
      const factor = Math.max(1, Math.round(fineSize / shape.size));
      const size = shape.size * factor;
      return { size, ...(factor > 1 ? refineOwners(owned.value, routing, shape, factor) : owned.value) };
    }),
    /** Where to put the experts' letters. */
    letterPlaces: computed(() => {
      return layer.value && owned.value ? largestRegions(owned.value.first, layer.value.shape.size) : null;
    }),
    expertWeights: computed(() =>
      layer.value ? weightsByExpert(layer.value.routing, layer.value.shape) : null,
    ),
  };
}

/** @typedef {ReturnType<typeof createViews>} PlaneViews */
