/**
 * Moves labels apart, and keeps them beside the picture.
 *
 * @param {{ y: number }[]} labels from top to bottom; changed
 * @param {number} gap
 * @param {[number, number]} within
 */
export function spread(labels, gap, [top, bottom]) {
  let least = top + gap / 2;
  for (const label of labels) {
    label.y = Math.max(label.y, least);
    least = label.y + gap;
  }
  let most = bottom - gap / 2;
  for (const label of [...labels].reverse()) {
    label.y = Math.min(label.y, most);
    most = label.y - gap;
  }
}
