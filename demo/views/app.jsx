import { useMemo, useRef } from 'preact/hooks';
import { LessonPlace, LessonsButton, useLessons } from '../lessons/entry.jsx';
import { OpeningView } from '../opening/opening.jsx';
import { RoomLinks } from './room-links.jsx';
import { PlaceContext } from './save-menu.jsx';

/**
 * The page: the list of rooms, and the current room.
 *
 * @param {object} props
 * @param {import('../shell.js').Shell} props.shell
 * @param {import('../opening/opening.js').Opening | null} props.opening shown until the first room goes on with it
 */
export function App({ shell, opening }) {
  const room = shell.room.value;
  const id = shell.id.value;
  const lessons = useLessons(shell);
  const place = useMemo(
    () => ({ room: id, step: () => room?.step?.() ?? room?.run?.step.peek() }),
    [id, room],
  );
  const goesOn = useRef(false);
  goesOn.current ||= shell.failure.value !== '' || (room !== null && room.run?.status.value !== 'building');
  if (opening && !goesOn.current) return <OpeningView opening={opening} />;
  return (
    <>
      <div class="top">
        <RoomLinks
          current={id}
          onPress={(event, to) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            if (to === id) return;
            // The browser's Back button returns to the previous room. The address stays that of what was shown until the
            // next room is there with its settings: a reload loses none. In a lesson, it is that of the lesson.
            if (!shell.lesson.peek()) history.pushState({ to }, '', location.href);
            shell.go(to);
          }}
        />
        <LessonsButton entry={lessons} />
      </div>
      <LessonPlace entry={lessons} />
      {shell.failure.value && (
        <p class="notice notice-problem" role="alert">
          This room could not be loaded: {shell.failure.value}
        </p>
      )}
      {!room && !shell.failure.value && <p class="status">Loading…</p>}
      {room && (
        <PlaceContext.Provider value={place}>
          <room.View key={id} />
        </PlaceContext.Provider>
      )}
    </>
  );
}
