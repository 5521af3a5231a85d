/**
 * Lines become paragraphs, and typographic signs those of a typewriter: then nearly every character is one byte,
 * and a colour belongs to a character.
 *
 * @param {string} text
 */
export function plain(text) {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/(?<=[^\n])\n(?=[^\n])/g, ' ')
    .replace(/[‘’]/g, "'")
    .replace(/[“”]/g, '"')
    .replace(/\s*—\s*/g, ' -- ')
    .replace(/ {2,}/g, ' ')
    .replace(/\n{2,}/g, '\n');
}
