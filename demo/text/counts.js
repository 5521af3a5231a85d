import { useMemo } from 'preact/hooks';
import { frameViews } from './frame.js';
import { classTable, informationOf, layerSample, lookUp, sampleOf } from './profile.js';

/**
 * Counts on the sample. They change with the sample, not with every frame.
 *
 * @param {import('./run.js').TextRun} run
 * @param {number} chosen layer, counted from 1; 0: all
 */
export function useCounts(run, chosen) {
  const probe = run.probe.value;
  const data = run.data.value;
  const first = run.moments.value[0];
  // A run that began with a trained model has no untrained moment; then another model was read.
  const untrained = first?.step === 0 && data?.beganUntrained ? first : (data?.untrained ?? undefined);
  // Frames with the same sample have the same counts.
  const key = `${probe?.shape.sample?.step} ${probe?.shape.topK} ${run.moment.value}`;
  return useMemo(() => {
    if (!probe || !data) return [];
    const layers = Array.from({ length: probe.shape.layers }, (_, i) => i).filter(
      (i) => chosen === 0 || chosen === i + 1,
    );
    return layers.flatMap((i) => {
      const sample = layerSample(probe, data, i);
      return sample
        ? [{ layer: i + 1, sample, table: classTable(sample), before: baselineOf(untrained, data, probe, i) }]
        : [];
    });
  }, [key, chosen, data, untrained]);
}

/**
 * @typedef {{ bits: number, of: ReturnType<typeof lookUp> }} Baseline the same of the untrained model
 * @typedef {import('../moments.js').Moment | import('../trainer/trainer-protocol.js').UntrainedSample} Untrained
 *
 * @type {WeakMap<Untrained, (Baseline | undefined)[]>} by layer; neither ever changes
 */
const baselines = new WeakMap();

/**
 * @param {Untrained | undefined} untrained
 * @param {import('../trainer/trainer-protocol.js').TextSummary} data
 * @param {import('./run.js').RoutedText} probe
 * @param {number} layer counted from 0
 */
function baselineOf(untrained, data, { shape }, layer) {
  if (!untrained) return undefined;
  const known = baselines.get(untrained) ?? [];
  baselines.set(untrained, known);
  if (!(layer in known)) {
    const sample =
      'experts' in untrained
        ? sampleOf(data, untrained, shape.experts, layer)
        : layerSample(routedAt(untrained, data), data, layer);
    known[layer] = sample && { bits: informationOf(sample), of: lookUp(sample) };
  }
  return known[layer];
}

/**
 * @param {import('../moments.js').Moment} moment
 * @param {import('../trainer/trainer-protocol.js').TextSummary} data
 */
function routedAt(moment, data) {
  const shape = /** @type {import('./frame.js').FrameShape} */ (moment.shape);
  return { tokens: data.probe, from: 0, shape, views: frameViews(moment.buffer, shape) };
}
