import { useComputed } from '@preact/signals';
import { paper } from '../colours.js';
import { count, percent } from '../format.js';
import { changesBetween } from '../moments.js';
import { widthOf } from '../views/canvas.js';
import { useCanvas } from '../views/drawing.js';
import { Figure } from '../views/figure.jsx';
import { cellsOf } from './cells.js';
import { frameViews } from './frame.js';

/**
 * @typedef {import('../moments.js').Change} Change
 * @typedef {{ run: import('./run.js').TextRun, state: import('../state.js').State }} Props
 */

const rowHeight = 5;
const leastHeight = 40;
/** The colour of a change; and of a row that cannot be compared with the one before. */
const [ink, blank] = ['#1c1b19', '#d9d6cf'];

/**
 * Routing changes of the passage: one column per token, one row per pair of consecutive moments, dark where the set
 * of experts changed.
 *
 * @param {Props} props
 */
export function BarcodeView({ run, state }) {
  const layer = useComputed(() => Math.max(1, Number(state.get('layer'))));
  const changes = useComputed(() => changesOf(run, layer.value - 1));
  const rows = changes.value;
  const { hold } = useCanvas((canvas) => draw(canvas, changes.value, run.moment.value));
  if (run.probe.value?.shape.layers === 0) return null;
  return (
    <Figure
      title={`Routing changes over training (layer ${layer.value})`}
      name="barcode"
      caption={
        rows.length
          ? 'One column per token of the passage, one row per interval between recorded steps, from top to bottom. Dark: the set of experts changed.'
          : undefined
      }
      table={
        rows.length
          ? () => (
              <BarcodeTable
                rows={rows}
                tokens={run.data.value?.probe}
                symbols={run.vocabulary.value.symbol}
              />
            )
          : undefined
      }
    >
      {rows.length === 0 && <p class="nothing">Shown after the first steps</p>}
      <div class={rows.length ? 'barcode' : 'barcode is-empty'}>
        <p class="axis">
          <span>step {count(rows[0]?.from ?? 0)}</span>
        </p>
        <canvas
          ref={hold}
          style={{ height: `${heightFor(rows)}px` }}
          role="img"
          aria-label={summaryOf(rows)}
        />
        <p class="axis">
          <span>step {count(rows.at(-1)?.to ?? 0)}</span>
        </p>
      </div>
    </Figure>
  );
}

/**
 * @param {Props['run']} run
 * @param {number} layer counted from 0
 * @returns {Change[]}
 */
function changesOf(run, layer) {
  const snapshots = run.moments.value.flatMap(({ step, shape: any, buffer }) => {
    const shape = /** @type {import('./frame.js').FrameShape} */ (any);
    const routing = frameViews(buffer, shape).layers[layer];
    return routing ? [{ step, topK: shape.topK, experts: routing.experts }] : [];
  });
  return changesBetween(snapshots);
}

/** @param {readonly Change[]} rows */
const heightFor = (rows) => Math.max(leastHeight, rows.length * rowHeight);

/** @param {Change} change @returns {number | null} share of the characters that changed */
function shareOf({ changed }) {
  return changed ? changed.reduce((sum, one) => sum + one, 0) / changed.length : null;
}

/** @param {readonly Change[]} rows */
function summaryOf(rows) {
  const say = (/** @type {Change | undefined} */ row) => {
    const share = row ? shareOf(row) : null;
    if (!row || share === null) return '';
    return ` From step ${row.from} to ${row.to}, ${percent(share)} of the tokens changed experts.`;
  };
  if (!rows.length) return 'No steps yet.';
  return `Tokens that changed experts, between ${rows.length + 1} recorded steps.${say(rows[0])}${rows.length > 1 ? say(rows.at(-1)) : ''}`;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {readonly Change[]} rows
 * @param {number | null} moment that is shown
 */
function draw(canvas, rows, moment) {
  const context = canvas.getContext('2d');
  const width = widthOf(canvas);
  if (!context || !width || !rows.length) return;
  const ratio = globalThis.devicePixelRatio || 1;
  const height = heightFor(rows);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.scale(ratio, ratio);
  context.fillStyle = paper;
  context.fillRect(0, 0, width, height);
  const step = height / rows.length;
  rows.forEach(({ changed }, row) => {
    context.fillStyle = changed ? ink : blank;
    const top = row * step;
    if (!changed) context.fillRect(0, top, width, step);
    const column = width / (changed?.length ?? 1);
    changed?.forEach((is, token) => {
      if (is) context.fillRect(token * column, top, column, step - 0.5);
    });
  });
  if (moment === null || moment < 1) return;
  context.strokeStyle = ink;
  context.lineWidth = 2;
  context.strokeRect(1, (moment - 1) * step, width - 2, step);
}

/**
 * @param {object} props
 * @param {readonly Change[]} props.rows
 * @param {Int32Array | undefined} props.tokens
 * @param {import('./cells.js').Symbols} props.symbols
 */
function BarcodeTable({ rows, tokens, symbols }) {
  const cells = cellsOf(tokens ?? [], symbols);
  const most = 40;
  return (
    <table class="barcode-table">
      <thead>
        <tr>
          <th scope="col">Steps</th>
          <th scope="col">Changed</th>
          <th scope="col">Tokens, in order</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const share = shareOf(row);
          const glyphs = cells.filter((_, i) => row.changed?.[i]).map(({ glyph }) => glyph);
          return (
            <tr key={row.to}>
              <th scope="row">
                {count(row.from)} to {count(row.to)}
              </th>
              <td>{share === null ? 'k changed' : percent(share)}</td>
              <td>
                {glyphs.slice(0, most).join('').replaceAll('\u00a0', '␣')}
                {glyphs.length > most ? ' …' : ''}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
