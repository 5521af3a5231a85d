/**
 * Controls that a link hides: `hide=gate,data`, for teachers. A name is the key of a setting, or one of the parts below.
 */

/** Parts of the page that are no single setting. @type {Record<string, string>} */
export const parts = {
  examples: '[data-setting="examples"]',
  drawers: '.drawers',
  share: '.transport-more button:not(.icon)',
  undo: '.icon',
  rooms: '.rooms',
  article: '.article',
  time: '.scrubber',
  files: '[data-drawer="files"]',
};

/** @param {string} list names with commas between them */
export const namesOf = (list) => list.split(',').flatMap((name) => name.trim() || []);

/** What a name is made of: everything else would be taken for a style rule. @param {string} name */
const isName = (name) => /^[a-z][a-z0-9-]*$/i.test(name);

/**
 * The style rule that hides them.
 *
 * @param {string} list
 * @returns {string} empty: nothing is hidden
 */
export function hidingRule(list) {
  const selectors = namesOf(list)
    .filter(isName)
    .map((name) => (Object.hasOwn(parts, name) ? parts[name] : `[data-setting="${name}"]`));
  return selectors.length ? `${selectors.join(', ')} { display: none !important; }` : '';
}

/**
 * Hides controls. The security policy of the page allows no style elements, but style sheets made by scripts.
 *
 * @returns {(list: string) => void}
 */
export function createHiding() {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  return (list) => sheet.replaceSync(hidingRule(list));
}
