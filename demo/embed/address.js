/**
 * Embedding: `?embed=PART` shows one figure of a room without the rest.
 *
 * @typedef {'stage' | 'map' | 'text' | 'load' | 'loss' | 'collapse'} PartName
 */

/**
 * The figures of each room, and what a frame of each should be high at a width of 720, CSS pixels. The first one is shown
 * where the name is unknown.
 *
 * @type {Record<string, Partial<Record<PartName, number>>>}
 */
const figures = {
  plane: { stage: 780, map: 1040, load: 580, loss: 580 },
  text: { stage: 930, text: 560, load: 640, loss: 580 },
  collapse: { collapse: 720 },
};

/** @type {readonly PartName[]} */
export const partNames = [
  ...new Set(Object.values(figures).flatMap((parts) => /** @type {PartName[]} */ (Object.keys(parts)))),
];

/**
 * The room of an embedded figure.
 *
 * @param {string} settings the part of the address after `#`
 */
export function roomOf(settings) {
  const room = new URLSearchParams(settings.replace(/^#/, '')).get('room') ?? '';
  return Object.hasOwn(figures, room) ? room : 'plane';
}

/**
 * The figures that can be embedded.
 *
 * @param {string} settings
 * @returns {readonly PartName[]} empty: none
 */
export function partsOf(settings) {
  const query = new URLSearchParams(settings.replace(/^#/, ''));
  const room = query.get('room') ?? 'plane';
  if (query.has('lesson') || !Object.hasOwn(figures, room)) return [];
  return /** @type {PartName[]} */ (Object.keys(figures[room]));
}

/**
 * @param {string} name
 * @param {string} settings
 * @returns {PartName} the first figure of the room where it has none of the name
 */
export function partOf(name, settings) {
  const parts = /** @type {PartName[]} */ (Object.keys(figures[roomOf(settings)]));
  return parts.find((part) => part === name) ?? parts[0];
}

/**
 * What a frame should be high.
 *
 * @param {PartName} part
 * @param {string} settings
 */
export const heightOf = (part, settings) => figures[roomOf(settings)][part] ?? 780;

/**
 * The address of the whole page with the same settings.
 *
 * @param {string} address of the embedded page
 * @param {string} settings
 */
export function wholeAddress(address, settings) {
  const url = new URL(address);
  url.searchParams.delete('embed');
  url.hash = settings;
  return url.href;
}

/**
 * The line that embeds a part of a page in any other.
 *
 * @param {string} address of the whole page
 * @param {PartName} part
 * @returns {string} HTML
 */
export function embedLine(address, part) {
  const url = new URL(address);
  url.searchParams.set('embed', part);
  const src = url.href.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  return `<iframe src="${src}" title="Mixture of experts, live" width="720" height="${heightOf(part, url.hash)}" loading="lazy" style="border:0;max-width:100%"></iframe>`;
}
