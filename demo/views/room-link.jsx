import { useContext } from 'preact/hooks';
import { PlaceContext } from './save-menu.jsx';

/**
 * A link from one room to another, which keeps the settings of both and moves the focus to the list of rooms, because the
 * link itself goes away.
 *
 * @param {{ to: string, children: import('preact').ComponentChildren }} props to: id of a room
 */
export function RoomLink({ to, children }) {
  const { go } = useContext(PlaceContext);
  return (
    <a
      href={`#room=${to}`}
      onClick={(event) => {
        if (!go?.(event, to)) return;
        const rooms = /** @type {HTMLElement | null} */ (document.querySelector('.rooms a'));
        rooms?.focus({ preventScroll: true });
        rooms?.scrollIntoView();
      }}
    >
      {children}
    </a>
  );
}
