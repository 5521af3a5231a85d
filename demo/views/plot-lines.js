/**
 * The data and layout of a line chart, independent of how it is drawn.
 *
 * @typedef {object} LineLook
 * @property {string} colour custom property
 * @property {number} width of the line, pixels
 * @property {readonly number[]} [dash] solid if omitted or empty
 * @property {'circle' | 'square'} [mark] shape of the marks; default: circle
 * @property {boolean} [filled] whether the marks are filled
 * @property {string} [text] colour of the label; default: text colour
 *
 * @typedef {object} Line
 * @property {string} label at the end of the line; empty: none
 * @property {LineLook} look
 * @property {readonly number[]} steps ascending
 * @property {readonly number[]} values
 * @property {readonly number[]} [low] with `high`, the edges of a band around the line
 * @property {readonly number[]} [high]
 * @property {readonly Mark[]} [marks] values drawn as points
 *
 * @typedef {{ step: number, value: number }} Mark
 *
 * @typedef {object} PlotData
 * @property {readonly Line[]} lines
 * @property {boolean} [log] whether the steps are on a logarithmic scale
 * @property {readonly [number, number] | ((least: number, most: number) => [number, number])} [range] of the
 *   value axis, or a function of the smallest and largest value; default: both with a margin. Must not change during
 *   the life of a chart
 * @property {(value: number) => string} [format] of the tick labels of the value axis
 * @property {number} [lastStep] end of the step axis; default: the last step of all lines
 * @property {readonly [number, number]} [along] both ends of the axis, where it is none of steps. Must not change during the
 *   life of a chart
 * @property {readonly number[]} [ticks] all places of that axis that are named. Must not change either
 * @property {number} [at] the step that the page shows, marked where it is a past one
 */

export const font = { family: 'system-ui, sans-serif', size: 12 };

/** Radius of a mark, pixels. */
export const markRadius = 2.75;

/** Opacity of a band. */
export const bandOpacity = 0.12;

/** Label of a line, pixels from the right edge of the plotting area: a sample of the line, then the text in rows. */
export const labelPlace = { piece: 5, pieceWidth: 15, text: 24 };
export const rowHeight = 14;

/** A logarithmic axis cannot show step 0. @param {boolean | undefined} log */
const firstStep = (log) => (log ? 1 : 0);

/**
 * Groups lines with the same steps into tables: [steps, values of the first line, values of the next, …].
 *
 * @param {PlotData} drawn
 * @returns {number[][][]} in the order of the lines
 */
export function tablesOf({ lines, log }) {
  /** @type {{ steps: readonly number[], from: number, table: number[][] }[]} */
  const tables = [];
  for (const { steps, values } of lines) {
    let last = tables.at(-1);
    if (!last || !sameNumbers(last.steps, steps)) {
      const at = steps.findIndex((step) => step >= firstStep(log));
      const from = at < 0 ? steps.length : at;
      last = { steps, from, table: [steps.slice(from)] };
      tables.push(last);
    }
    last.table.push(values.slice(last.from));
  }
  return tables.map(({ table }) => table);
}

/** @param {readonly number[]} a @param {readonly number[]} b */
const sameNumbers = (a, b) => a === b || (a.length === b.length && a.every((x, i) => x === b[i]));

/**
 * The marks of a line that the axis can show.
 *
 * @param {Line} line
 * @param {boolean | undefined} log
 */
export const marksOf = ({ marks = [] }, log) => marks.filter(({ step }) => step >= firstStep(log));

/**
 * The outline of the band around a line.
 *
 * @param {Line} line
 * @param {boolean | undefined} log
 * @returns {[step: number, value: number][]} empty: no band
 */
export function outlineOf({ steps, low, high }, log) {
  if (!low || !high) return [];
  const at = steps.flatMap((step, i) => (step < firstStep(log) ? [] : [i]));
  const along = (/** @type {readonly number[]} */ values) =>
    at.map((i) => /** @type {[number, number]} */ ([steps[i], values[i]]));
  return [...along(high), ...along(low).reverse()];
}

/** Whether there is nothing to draw yet. @param {readonly Line[]} lines */
export const isEmpty = (lines) =>
  lines.every(({ steps, marks }) => !((steps.at(-1) ?? 0) > 0 || (marks?.at(-1)?.step ?? 0) > 0));

/**
 * Where the step that the page shows is marked.
 *
 * @param {PlotData} drawn
 * @returns {number | undefined}
 */
export const markedStep = ({ at, log }) => (at === undefined ? undefined : Math.max(firstStep(log), at));

/**
 * @param {PlotData} drawn
 * @returns {[number, number]}
 */
export function stepRange({ lines, log, lastStep, along }) {
  if (along) return [along[0], along[1]];
  const ends = lines.flatMap(({ steps, marks }) => [steps.at(-1) ?? 0, marks?.at(-1)?.step ?? 0]);
  return [firstStep(log), lastStep === undefined ? Math.max(10, ...ends) : Math.max(10, lastStep)];
}

/**
 * @param {PlotData} drawn
 * @returns {[number, number]} with bands and marks included
 */
export function valueRange({ lines, log, range }) {
  if (typeof range === 'object') return [range[0], range[1]];
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const include = (/** @type {number} */ value) => {
    if (value < least) least = value;
    if (value > most) most = value;
  };
  for (const line of lines) {
    line.steps.forEach((step, i) => {
      if (step >= firstStep(log)) include(line.values[i]);
    });
    for (const [, value] of outlineOf(line, log)) include(value);
    for (const { value } of marksOf(line, log)) include(value);
  }
  if (least > most) [least, most] = [0, 1];
  if (range) return range(least, most);
  const margin = Math.max((most - least) * 0.06, 1e-3);
  return [least - margin, most + margin];
}

/**
 * The labels of the lines. Equal labels are numbered.
 *
 * @param {readonly Line[]} lines
 * @returns {string[]}
 */
export function labelsOf(lines) {
  /** @type {Map<string, number>} */
  const times = new Map();
  return lines.map(({ label }) => {
    const time = (times.get(label) ?? 0) + 1;
    times.set(label, time);
    return label && time > 1 ? `${label} (${time})` : label;
  });
}

/**
 * Breaks a label into rows that fit a width. Words that are too wide, and text beyond the last row, are cut.
 *
 * @param {string} text
 * @param {{ width: number, rows: number }} space
 * @param {(text: string) => number} widthOf
 * @returns {string[]}
 */
export function wrapped(text, { width, rows }, widthOf) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const longer = last === undefined ? word : `${last} ${word}`;
    if (last === undefined || (widthOf(longer) > width && lines.length < rows)) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.map((line) => fitted(line, width, widthOf));
}

/**
 * @param {string} text
 * @param {number} width
 * @param {(text: string) => number} widthOf
 */
function fitted(text, width, widthOf) {
  if (widthOf(text) <= width) return text;
  let end = text.length - 1;
  while (end > 1 && widthOf(`${text.slice(0, end)}…`) > width) end--;
  return `${text.slice(0, end).trimEnd()}…`;
}

/**
 * Moves labels apart within the height of the chart.
 *
 * @template {{ y: number, height: number }} T y: vertical centre
 * @param {readonly T[]} labels
 * @param {[number, number]} within top and bottom
 * @returns {T[]} from top to bottom
 */
export function spread(labels, [top, bottom]) {
  const moved = labels.map((label) => ({ ...label })).sort((a, b) => a.y - b.y);
  let least = top;
  for (const label of moved) {
    label.y = Math.max(label.y, least + label.height / 2);
    least = label.y + label.height / 2;
  }
  let most = bottom;
  for (const label of moved.toReversed()) {
    label.y = Math.min(label.y, most - label.height / 2);
    most = label.y - label.height / 2;
  }
  return moved;
}
