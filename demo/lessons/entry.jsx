import { signal, useSignalEffect } from '@preact/signals';
import { useMemo } from 'preact/hooks';

/**
 * The way to the lessons, which are loaded when they are first asked for.
 *
 * @typedef {{ course: import('./course.js').Course, Panel: typeof import('./panel.jsx').LessonPanel, List: typeof import('./list-view.jsx').LessonList }} Opened
 *
 * @param {import('../shell.js').Shell} shell
 */
function createEntry(shell) {
  const opened = signal(/** @type {Opened | null} */ (null));
  const failure = signal('');
  /** Whether the list of lessons is shown. */
  const listed = signal(false);
  /** @type {Promise<Opened> | undefined} */
  let opening;

  async function load() {
    const [{ LessonPanel }, { LessonList }, { createCourse }, { lessons }, { createProgress, ownStorage }] =
      await Promise.all([
        import('./panel.jsx'),
        import('./list-view.jsx'),
        import('./course.js'),
        import('./list.js'),
        import('./progress.js'),
      ]);
    const course = createCourse({ shell, lessons, progress: createProgress(ownStorage()) });
    return { course, Panel: LessonPanel, List: LessonList };
  }

  /** @param {(lessons: Opened) => unknown} act */
  async function whenOpened(act) {
    failure.value = '';
    try {
      opening ??= load();
      const found = await opening;
      opened.value = found;
      await act(found);
    } catch (error) {
      if (!opened.peek()) opening = undefined;
      failure.value = error instanceof Error ? error.message : String(error);
    }
  }

  return {
    opened,
    failure,
    listed,
    showList: () =>
      whenOpened(() => {
        listed.value = true;
      }),

    /** Follows the address. @param {string} id of the lesson in it; empty: none */
    follow(id) {
      const now = opened.peek()?.course.lesson.peek()?.id ?? '';
      if (id === now) return;
      if (!id) opened.peek()?.course.end({ goBack: false });
      else {
        whenOpened(({ course }) => course.begin(id)).then(() => {
          // A lesson that there is not leads to the first room.
          if (!failure.peek() || shell.room.peek()) return;
          shell.lesson.value = '';
          shell.go(shell.entries[0].id);
        });
      }
    },
  };
}

/** @typedef {ReturnType<typeof createEntry>} Entry */

/** @param {import('../shell.js').Shell} shell @returns {Entry} */
export function useLessons(shell) {
  const entry = useMemo(() => createEntry(shell), [shell]);
  useSignalEffect(() => {
    const id = shell.lesson.value;
    // What it reads and changes is not what this effect depends on.
    queueMicrotask(() => entry.follow(id));
  });
  return entry;
}

/** @param {{ entry: Entry }} props */
export function LessonsButton({ entry }) {
  const lessons = entry.opened.value;
  return (
    <div class="lessons-entry">
      <button type="button" onClick={entry.showList}>
        Lessons
      </button>
      {lessons && <lessons.List course={lessons.course} listed={entry.listed} />}
    </div>
  );
}

/** The lesson that is going on, above the room. @param {{ entry: Entry }} props */
export function LessonPlace({ entry }) {
  const lessons = entry.opened.value;
  return (
    <>
      {entry.failure.value && (
        <p class="notice notice-problem" role="alert">
          The lesson could not be opened: {entry.failure.value}
        </p>
      )}
      {lessons && <lessons.Panel course={lessons.course} />}
    </>
  );
}
