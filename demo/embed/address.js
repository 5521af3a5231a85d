/**
 * Embedding: `?embed=PART` shows one figure of the page without the rest.
 *
 * @typedef {'stage' | 'map' | 'load' | 'loss'} PartName
 */

/** @type {readonly PartName[]} */
export const partNames = ['stage', 'map', 'load', 'loss'];

/** What a frame of each part should be high, CSS pixels, at a width of 720. @type {Record<PartName, number>} */
export const heights = { stage: 780, map: 1040, load: 580, loss: 580 };

/**
 * @param {string} name
 * @returns {PartName} the first part where the name is unknown
 */
export const partOf = (name) => partNames.find((part) => part === name) ?? partNames[0];

/**
 * The address of the whole page with the same settings.
 *
 * @param {string} address of the embedded page
 * @param {string} settings the part after `#`
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
  return `<iframe src="${src}" title="Mixture of experts, live" width="720" height="${heights[part]}" loading="lazy" style="border:0;max-width:100%"></iframe>`;
}

/**
 * Whether an address can be embedded: figures of the playground can.
 *
 * @param {string} settings the part after `#`
 */
export const canEmbed = (settings) => {
  const query = new URLSearchParams(settings.replace(/^#/, ''));
  return (query.get('room') ?? 'plane') === 'plane' && !query.has('lesson');
};
