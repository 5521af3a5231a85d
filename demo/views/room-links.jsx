import { rooms } from '../rooms.js';

/**
 * The list of rooms.
 *
 * @param {object} props
 * @param {string} props.current id of the room that is shown
 * @param {(event: MouseEvent, id: string) => void} [props.onPress] without it, the links lead there by themselves
 */
export const RoomLinks = ({ current, onPress }) => (
  <nav class="rooms" aria-label="Rooms">
    {rooms.map(({ id, title, summary }) => (
      <a
        key={id}
        href={`#room=${id}`}
        aria-current={current === id ? 'page' : undefined}
        onClick={(event) => onPress?.(event, id)}
      >
        <b>{title}</b> <span>{summary}</span>
      </a>
    ))}
  </nav>
);
