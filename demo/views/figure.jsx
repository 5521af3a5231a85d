import { useEffect, useRef, useState } from 'preact/hooks';
import { afterPaint } from './deferred.jsx';
import { SaveMenu } from './save-menu.jsx';

/**
 * A figure with its title, caption and table.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {import('preact').ComponentChildren} [props.tools] controls of this figure
 * @param {import('preact').ComponentChildren} props.children
 * @param {import('preact').ComponentChildren} [props.caption]
 * @param {boolean} [props.folded] whether the caption is shown only when it is asked for
 * @param {() => import('preact').ComponentChildren} [props.table] rendered only while it is open
 * @param {() => import('../export/csv.js').Row[]} [props.rows] all numbers in full precision, for the CSV file, where the
 *   table shows only some or rounds them; the first row has the column names
 * @param {string} [props.name] used in class names and in names of saved files
 * @param {'h2' | 'h4'} [props.heading] h4: below the headings of the article
 */
export function Figure({
  title,
  tools,
  children,
  caption,
  folded = false,
  table,
  rows,
  name = '',
  heading: Heading = 'h2',
}) {
  const [asked, setAsked] = useState(false);
  const explained = asked || !folded;
  const section = useRef(/** @type {HTMLElement | null} */ (null));
  const id = `title-${name}`;
  useEffect(() => layOutWhenIdle(/** @type {HTMLElement} */ (section.current)), []);
  return (
    <section class={`figure figure-${name}`} aria-labelledby={id} ref={section}>
      <div class={tools ? 'figure-head' : 'figure-head is-plain'}>
        <Heading id={id}>{title}</Heading>
        <div class="figure-tools">
          {tools}
          <SaveMenu figure={section} title={title} name={name} table={table} rows={rows} />
          {caption && folded && (
            <button
              type="button"
              class="quiet figure-help"
              aria-expanded={explained}
              aria-controls={`caption-${name}`}
              onClick={() => setAsked(!asked)}
            >
              <span aria-hidden="true">?</span>
              <span class="unseen">What it shows: {title}</span>
            </button>
          )}
        </div>
      </div>
      {caption && (
        <p class="caption" id={`caption-${name}`} hidden={!explained}>
          {caption}
        </p>
      )}
      {children}
      {table && <TableBelow table={table} what={title} />}
    </section>
  );
}

/**
 * Lays out a figure below the fold when the page is idle. Laying out all figures at once would delay the start of the page.
 *
 * @param {HTMLElement} figure
 * @returns {() => void} cancels it
 */
function layOutWhenIdle(figure) {
  const layOut = () => {
    figure.dataset.laid = '';
    // Forces the layout now, so that the next figure waits for another idle period if this one took long.
    figure.getBoundingClientRect();
  };
  if (!globalThis.requestIdleCallback) {
    const timer = setTimeout(layOut, 500);
    return () => clearTimeout(timer);
  }
  const asked = requestIdleCallback(layOut);
  return () => cancelIdleCallback(asked);
}

/** @param {{ table: () => import('preact').ComponentChildren, what: string }} props */
function TableBelow({ table, what }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="as-table" onToggle={({ currentTarget }) => afterPaint(() => setOpen(currentTarget.open))}>
      <summary>
        As a table<span class="unseen">: {what}</span>
      </summary>
      {open && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section class="table-scroll" tabIndex={0} aria-label={`${what}, as a table`}>
          {table()}
        </section>
      )}
    </details>
  );
}

/**
 * The letter of an expert on the expert's colour.
 *
 * @param {{ letter: string, fill: string, text: string }} props
 */
export function Chip({ letter, fill, text }) {
  return (
    <span class="chip" style={{ background: fill, color: text }}>
      {letter}
    </span>
  );
}
