import { computed } from '@preact/signals';
import { factorFor, owners, refine, shares } from './fields.js';

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

  /** As computed by the worker, and finer, for the eye. */
  const owned = computed(() => (layer.value ? owners(layer.value.logits, layer.value.shape) : null));
  const fine = computed(() => {
    if (!layer.value) return null;
    const { shape, logits } = layer.value;
    const factor = factorFor(shape.size, shape.experts * shape.topK);
    return { size: shape.size * factor, logits: refine(logits, shape.size, shape.experts, factor) };
  });

  return {
    layer,
    owned,
    fine,
    fineOwned: computed(() => {
      if (!layer.value || !fine.value) return null;
      return fine.value.size === layer.value.shape.size
        ? owned.value
        : owners(fine.value.logits, layer.value.shape);
    }),
    shares: computed(() => (layer.value ? shares(layer.value.logits, layer.value.shape) : null)),
  };
}

/** @typedef {ReturnType<typeof createViews>} PlaneViews */
