import { signal, useSignalEffect } from '@preact/signals';
import { useMemo } from 'preact/hooks';

/**
 * The way to the lessons, which are loaded when they are first asked for.
 *
 * @typedef {{ lessons: import('./lessons.js').Lessons, Panel: typeof import('./panel.jsx').LessonPanel, List: typeof import('./list-view.jsx').LessonList }} Opened
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
    const [
      { LessonPanel },
      { LessonList },
      { createLessons },
      { lessons: all },
      { createProgress, ownStorage },
    ] = await Promise.all([
      import('./panel.jsx'),
      import('./list-view.jsx'),
      import('./lessons.js'),
      import('./list.js'),
      import('./progress.js'),
    ]);
    const lessons = createLessons({ shell, all, progress: createProgress(ownStorage()) });
    return { lessons, Panel: LessonPanel, List: LessonList };
  }

  /** @param {(opened: Opened) => unknown} act */
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
      const now = opened.peek()?.lessons.lesson.peek()?.id ?? '';
      if (id === now) return;
      if (!id) opened.peek()?.lessons.end({ goBack: false });
      else {
        whenOpened(({ lessons }) => lessons.begin(id)).then(() => {
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
  const opened = entry.opened.value;
  return (
    <div class="lessons-entry">
      <button type="button" onClick={entry.showList}>
        Lessons
      </button>
      {opened && <opened.List lessons={opened.lessons} listed={entry.listed} />}
    </div>
  );
}

/** The lesson that is going on, above the room. @param {{ entry: Entry }} props */
export function LessonPlace({ entry }) {
  const opened = entry.opened.value;
  return (
    <>
      {entry.failure.value && (
        <p class="notice notice-problem" role="alert">
          The lesson could not be opened: {entry.failure.value}
        </p>
      )}
      {opened && <opened.Panel lessons={opened.lessons} />}
    </>
  );
}
