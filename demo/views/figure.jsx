import { useEffect, useRef, useState } from 'preact/hooks';
import { afterPaint } from './later.jsx';
import { SaveMenu } from './save-menu.jsx';

/**
 * A picture with its title, the words that explain it, and the same as a table. What it is comes before the picture:
 * most readers have never seen one like it.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {import('preact').ComponentChildren} [props.tools] controls of this picture only
 * @param {import('preact').ComponentChildren} props.children
 * @param {import('preact').ComponentChildren} [props.caption]
 * @param {() => import('preact').ComponentChildren} [props.table] drawn only while it is open
 * @param {() => import('../export/csv.js').Row[]} [props.rows] all numbers, where the table shows but some, or rounded;
 *   the first row has the names of the columns
 * @param {string} [props.name] for styles, and in the names of saved files
 */
export function Figure({ title, tools, children, caption, table, rows, name = '' }) {
  const section = useRef(/** @type {HTMLElement | null} */ (null));
  const id = `title-${name}`;
  useEffect(() => layOutWhenIdle(/** @type {HTMLElement} */ (section.current)), []);
  return (
    <section class={`figure figure-${name}`} aria-labelledby={id} ref={section}>
      <div class={tools ? 'figure-head' : 'figure-head is-plain'}>
        <h2 id={id}>{title}</h2>
        <div class="figure-tools">
          {tools}
          <SaveMenu figure={section} title={title} name={name} table={table} rows={rows} />
        </div>
      </div>
      {caption && <p class="caption">{caption}</p>}
      {children}
      {table && <TableBelow table={table} what={title} />}
    </section>
  );
}

/**
 * What is not on the screen is laid out when the page has time: all at once would hold it up while it begins.
 *
 * @param {HTMLElement} figure
 * @returns {() => void} takes it back
 */
function layOutWhenIdle(figure) {
  const layOut = () => {
    figure.dataset.laid = '';
    // Now, so that the next one waits for another time if this took long.
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
 * The letter of an expert on its colour.
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
