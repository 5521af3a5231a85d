/**
 * The share of points that are taken for what they are.
 *
 * @param {import('./run.js').PlaneMap | null} map
 * @param {import('./data.js').PlaneData} data
 * @returns {{ train: number, heldOut: number } | null}
 */
export function accuracyOf(map, data) {
  if (!map || map.data !== data) return null;
  const { predicted } = map.views;
  const count = data.train.targets.length;
  const right = (/** @type {number} */ from, /** @type {number} */ to) => {
    let hits = 0;
    for (let i = from; i < to; i++) hits += Number(predicted[i] === data.all.targets[i]);
    return to > from ? hits / (to - from) : Number.NaN;
  };
  return { train: right(0, count), heldOut: right(count, data.all.targets.length) };
}
