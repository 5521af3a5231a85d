import { useEffect, useRef } from 'preact/hooks';

/**
 * All lessons, with what the reader has done; and how teachers link to them.
 *
 * @param {{ lessons: import('./lessons.js').Lessons, listed: import('@preact/signals').Signal<boolean> }} props
 */
export function LessonList({ lessons, listed }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const shown = listed.value;
  useEffect(() => {
    if (shown && !dialog.current?.open) dialog.current?.showModal();
  }, [shown]);
  const close = () => dialog.current?.close();
  const progress = lessons.progress.all.value;
  return (
    <dialog
      ref={dialog}
      class="lesson-list"
      aria-labelledby="lessons-title"
      onClose={() => {
        listed.value = false;
      }}
    >
      <h2 id="lessons-title">Lessons</h2>
      <p>
        Each takes about five minutes: a question, a run to watch, a task, and what to conclude. Your settings
        come back when a lesson ends.
      </p>
      <ol>
        {lessons.all.map(({ id, title }) => (
          <li key={id}>
            <button
              type="button"
              onClick={() => {
                close();
                lessons.begin(id);
              }}
            >
              {title}
            </button>
            {progress[id]?.done && <span class="lesson-done">done</span>}
          </li>
        ))}
      </ol>
      <details class="more">
        <summary>For teachers</summary>
        <ul>
          <li>
            Every lesson has a link: the address of this page, with the part that stands below at its end. It
            opens with the question.
          </li>
          <li>
            <code>&hide=gate,data</code> at the end of a link hides controls, in lessons and elsewhere. A name
            is the key of a setting as in the address (router, gate, topK, seed …), or data, examples,
            drawers, files, share, undo, time, rooms, article.
          </li>
          <li>Progress is kept in the browser of each reader, and sent nowhere.</li>
        </ul>
        <dl class="lesson-notes">
          {lessons.all.map(({ id, title, notes }) => (
            <div key={id}>
              <dt>
                {title}: <code>#lesson={id}</code>
              </dt>
              {notes.map((text) => (
                <dd key={text}>{text}</dd>
              ))}
            </div>
          ))}
        </dl>
      </details>
      <div class="row">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </dialog>
  );
}
