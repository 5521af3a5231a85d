import { computed } from '@preact/signals';
import { refineOwners } from './borders.js';
import { owners, shares } from './fields.js';
import { largestRegions } from './regions.js';

/** A map of fewer places a side looks coarse where its colours end. */
const enough = 192;

/**
 * What several pictures need of the layer that is shown, computed once for all of them, and only while one is there.
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

  return {
    layer,
    /** As the engine chose, [size²]; and finer, for the eye. */
    owned,
    fineOwned: computed(() => {
      if (!layer.value || !owned.value) return null;
      const { shape, routing } = layer.value;
      const factor = Math.max(1, Math.round(enough / shape.size));
      const size = shape.size * factor;
      return { size, ...(factor > 1 ? refineOwners(owned.value, routing, shape, factor) : owned.value) };
    }),
    /** Where each expert's letter has room. */
    rooms: computed(() => {
      return layer.value && owned.value ? largestRegions(owned.value.first, layer.value.shape.size) : null;
    }),
    shares: computed(() => (layer.value ? shares(layer.value.routing, layer.value.shape) : null)),
  };
}

/** @typedef {ReturnType<typeof createViews>} PlaneViews */
