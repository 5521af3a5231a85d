import { computed } from '@preact/signals';
import { owners, refineOwners, shares } from './fields.js';
import { largestRegions } from './regions.js';

/** A map of fewer places a side looks coarse where its colours end. */
const enough = 192;

/**
 * What several pictures need of the layer that is shown, computed once for all of them, and only while one is there.
 *
 * @typedef {object} LayerMap
 * @property {import('./frame.js').MapShape} shape
 * @property {Float32Array} logits [size², E]
 *
 * @param {import('./run.js').PlaneRun} run
 * @param {import('../state.js').State} state
 */
export function createViews(run, state) {
  const layer = computed(() => {
    const map = run.map.value;
    const logits = map?.views.logits[Number(state.get('layer')) - 1];
    return map && logits ? { shape: map.shape, logits } : null;
  });
  const owned = computed(() => (layer.value ? owners(layer.value.logits, layer.value.shape) : null));

  return {
    layer,
    /** As computed by the worker, [size²]; and finer, for the eye. */
    owned,
    fineOwned: computed(() => {
      if (!layer.value || !owned.value) return null;
      const { shape, logits } = layer.value;
      const factor = Math.max(1, Math.round(enough / shape.size));
      const size = shape.size * factor;
      return { size, ...(factor > 1 ? refineOwners(owned.value, logits, shape, factor) : owned.value) };
    }),
    /** Where each expert's letter has room. */
    rooms: computed(() => {
      return layer.value && owned.value ? largestRegions(owned.value.first, layer.value.shape.size) : null;
    }),
    shares: computed(() => (layer.value ? shares(layer.value.logits, layer.value.shape) : null)),
  };
}

/** @typedef {ReturnType<typeof createViews>} PlaneViews */
