import { render } from 'preact';

/** @typedef {(string | number | null | undefined)[]} Row */

/**
 * @param {readonly Row[]} rows
 * @returns {string} CSV as in RFC 4180, with a byte order mark so that spreadsheets read it as UTF-8
 */
export function toCsv(rows) {
  return `\ufeff${rows.map((row) => row.map(field).join(',')).join('\r\n')}\r\n`;
}

/** @param {string | number | null | undefined} value */
function field(value) {
  const text = String(value ?? '');
  // A spreadsheet would evaluate a text that begins like a formula.
  const safe =
    typeof value === 'string' && /^[=+\-@]./.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) || /^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * The rows of all tables in an element.
 *
 * @param {Element} element
 */
export function rowsOf(element) {
  return [...element.querySelectorAll('tr')].map((row) =>
    [...row.querySelectorAll('th, td')].map((cell) => cell.textContent?.trim() ?? ''),
  );
}

/**
 * The rows of a table that is not in the document.
 *
 * @param {import('preact').ComponentChildren} table
 */
export function rowsOfTable(table) {
  const place = document.createElement('div');
  render(table, place);
  const rows = rowsOf(place);
  render(null, place);
  return rows;
}
