/**
 * Downloads a file.
 *
 * @param {string} name
 * @param {BlobPart} content
 * @param {string} type
 */
export function saveFile(name, content, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  // Nothing says when the browser has read it; on a busy machine, seconds may pass before it begins.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * A file name from its parts: the name of the project comes first.
 *
 * @param {(string | number | undefined)[]} parts
 * @param {string} ending
 */
export function fileName(parts, ending) {
  const words = ['hyperrouter', ...parts].filter((part) => part !== undefined && part !== '');
  const name = words
    .join('-')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-');
  return `${name.replace(/^-+|-+$/g, '')}.${ending}`;
}
