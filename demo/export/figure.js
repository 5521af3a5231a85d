import { rowsOfTable, toCsv } from './csv.js';
import { pictureOf, pngOf } from './picture.js';
import { fileName, saveFile } from './save.js';

/**
 * Saves a figure as an image, or its table as CSV.
 *
 * @param {object} what
 * @param {'png' | 'svg' | 'csv'} what.kind
 * @param {Element} what.element the figure
 * @param {string} what.title
 * @param {(string | undefined)[]} what.parts of the file name
 * @param {() => import('preact').ComponentChildren} [what.table]
 * @param {() => import('./csv.js').Row[]} [what.rows]
 */
export async function saveFigure({ kind, element, title, parts, table, rows }) {
  const name = fileName(parts, kind);
  if (kind === 'csv') {
    saveFile(name, toCsv(rows?.() ?? rowsOfTable(table?.())), 'text/csv');
    return;
  }
  const picture = pictureOf(element, { title, description: `${parts.at(-1) ?? ''} ${location.href}`.trim() });
  if (kind === 'svg') saveFile(name, picture.svg, 'image/svg+xml');
  else saveFile(name, await pngOf(picture), 'image/png');
}
