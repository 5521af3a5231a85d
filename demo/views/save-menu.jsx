import { createContext } from 'preact';
import { useContext, useId, useRef, useState } from 'preact/hooks';

/**
 * Where a figure is on the page, for the names of saved files.
 *
 * @typedef {object} Place
 * @property {string} room id of the room
 * @property {() => number | undefined} step of the run; undefined: the room has no single run
 */

export const PlaceContext = createContext(/** @type {Place} */ ({ room: '', step: () => undefined }));

/**
 * A menu that saves a figure as an image or its table as CSV. The code for it is loaded on demand.
 *
 * @param {object} props
 * @param {{ current: HTMLElement | null }} props.figure
 * @param {string} props.title
 * @param {string} props.name
 * @param {() => import('preact').ComponentChildren} [props.table]
 * @param {() => import('../export/csv.js').Row[]} [props.rows]
 */
export function SaveMenu({ figure, title, name, table, rows }) {
  const place = useContext(PlaceContext);
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const menu = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [failure, setFailure] = useState('');
  const id = useId();

  /** @param {'png' | 'svg' | 'csv'} kind */
  async function save(kind) {
    const element = figure.current;
    if (!element) return;
    setFailure('');
    try {
      const { saveFigure } = await import('../export/figure.js');
      await saveFigure({ kind, element, title, parts: [place.room, name, stepOf(place)], table, rows });
      menu.current?.hidePopover();
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <div class="save" ref={box}>
      <button type="button" class="quiet save-button" popovertarget={id}>
        Save<span class="unseen">: {title}</span>
      </button>
      <div
        id={id}
        ref={menu}
        popover="auto"
        class="save-menu"
        onBeforeToggle={(event) => putBelow(event.currentTarget, box.current)}
      >
        <button type="button" onClick={() => save('png')}>
          Image (PNG)
        </button>
        <button type="button" onClick={() => save('svg')}>
          Image (SVG)
        </button>
        {(table || rows) && (
          <button type="button" onClick={() => save('csv')}>
            Table (CSV)
          </button>
        )}
        {failure && (
          <p role="alert" class="help">
            {failure}
          </p>
        )}
      </div>
    </div>
  );
}

/** @param {Place} place */
function stepOf({ step }) {
  const at = step();
  return at === undefined ? undefined : `step ${at}`;
}

/**
 * Places the menu below its button: popovers are positioned relative to the page.
 *
 * @param {HTMLElement} menu
 * @param {HTMLElement | null} button
 */
function putBelow(menu, button) {
  if (!button) return;
  const { right, bottom } = button.getBoundingClientRect();
  menu.style.top = `${bottom + scrollY}px`;
  menu.style.right = `${document.documentElement.clientWidth - right - scrollX}px`;
}
