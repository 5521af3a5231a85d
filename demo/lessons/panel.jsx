import { useEffect, useRef, useState } from 'preact/hooks';
import { closeSheet, openSheet } from '../views/controls.jsx';
import { narrow, useMedia } from '../views/media.js';
import { forgetTarget, showTarget } from './pointer.js';

/**
 * @typedef {import('./lessons.js').Lessons} Lessons
 * @typedef {import('./list.js').Lesson} Lesson
 */

/** Where a lesson has room beside the figures, as in styles/lessons.css. */
const besideWidth = '(min-width: 80rem)';

/**
 * The lesson that is going on. It stands beside the figures, or on a narrower screen above the room, and covers nothing of
 * it; folded, it is one line above. On a phone, that line sticks and the rest scrolls away.
 *
 * @param {{ lessons: Lessons }} props
 */
export function LessonPanel({ lessons }) {
  const lesson = lessons.lesson.value;
  return lesson && <Panel key={lesson.id} lessons={lessons} lesson={lesson} />;
}

/** @param {{ lessons: Lessons, lesson: Lesson }} props */
function Panel({ lessons, lesson }) {
  const panel = useRef(/** @type {HTMLElement | null} */ (null));
  const head = useRef(/** @type {HTMLDivElement | null} */ (null));
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const looking = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  const [folded, setFolded] = useState(false);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    showText();
    return () => {
      clearTimeout(looking.current);
      forgetTarget();
    };
  }, []);
  const beside = useMedia(besideWidth) && !folded;
  const phone = useMedia(narrow);
  useEffect(
    () => (beside ? undefined : keepHeight(/** @type {HTMLElement} */ ((phone ? head : panel).current))),
    [beside, phone],
  );
  const unfold = () => {
    setFolded(false);
    if (phone) showText();
  };
  const stage = lessons.stage.value;
  const place = lessons.all.indexOf(lesson) + 1;
  const onShow = (/** @type {import('./list.js').Step} */ step) => {
    // One press leads back to the steps, wherever the page is scrolled to.
    if (phone) setFolded(true);
    clearTimeout(looking.current);
    requestAnimationFrame(() => look(step));
  };
  // Figures come one after another when a room opens, on a slow machine after a while.
  const look = (/** @type {import('./list.js').Step} */ step, tries = 400) => {
    if (!showTarget(step, openSheet) && tries > 0) looking.current = setTimeout(look, 150, step, tries - 1);
  };
  const stageButtons = <StageButtons lessons={lessons} lesson={lesson} unfold={unfold} />;
  return (
    <section
      class={folded ? 'lesson is-folded' : 'lesson'}
      ref={panel}
      aria-labelledby="lesson-title"
      onKeyDown={(event) => {
        if (event.key === 'Escape') setFolded(true);
      }}
    >
      <div class="lesson-head" ref={head}>
        <h2 id="lesson-title" ref={heading} tabIndex={-1}>
          <span class="lesson-place">
            Lesson {place} of {lessons.all.length}
          </span>{' '}
          {lesson.title}
        </h2>
        {!beside && <Task lessons={lessons} short />}
        <div class="row">
          {!beside && stageButtons}
          <button
            type="button"
            class="quiet"
            aria-expanded={!folded}
            onClick={folded ? unfold : () => setFolded(true)}
          >
            {folded ? 'Unfold' : 'Fold'}
          </button>
          <button type="button" class="quiet" onClick={() => lessons.end()}>
            End<span class="unseen"> the lesson; your settings come back</span>
          </button>
        </div>
      </div>
      {!folded && (
        <div class="lesson-body">
          {stage === 'question' && <Question lessons={lessons} lesson={lesson} />}
          {stage === 'task' && <Work lessons={lessons} lesson={lesson} onShow={onShow} />}
          {stage === 'conclusion' && <Conclusion lesson={lesson} />}
        </div>
      )}
      {beside && (
        <div class="row lesson-foot">
          {stageButtons}
          <Task lessons={lessons} short />
        </div>
      )}
    </section>
  );
}

/** What the lesson says next may have scrolled away, or lie below the sheet of settings. */
function showText() {
  closeSheet();
  scrollTo({ top: 0 });
}

/**
 * Back and on: question, task, conclusion, next lesson.
 *
 * @param {{ lessons: Lessons, lesson: Lesson, unfold: () => void }} props
 */
function StageButtons({ lessons, lesson, unfold }) {
  const stage = lessons.stage.value;
  const done = lessons.done.value;
  const next = lessons.all[lessons.all.indexOf(lesson) + 1];
  const to = (/** @type {import('./lessons.js').Stage} */ where) => () => {
    unfold();
    lessons.show(where);
  };
  if (stage === 'question') {
    return (
      <button
        type="button"
        class="primary"
        disabled={lessons.answer.value === undefined || !lessons.isReady.value}
        onClick={to('task')}
      >
        To the run
      </button>
    );
  }
  return (
    <>
      <button type="button" class="quiet" onClick={to(stage === 'task' ? 'question' : 'task')}>
        Back
      </button>
      {stage === 'task' && (
        <button type="button" class={done ? 'primary' : ''} onClick={to('conclusion')}>
          {done ? 'What to conclude' : 'Skip the task'}
        </button>
      )}
      {stage === 'conclusion' && (
        <button type="button" class="primary" onClick={() => (next ? lessons.begin(next.id) : lessons.end())}>
          {next ? `Next: ${next.title}` : 'Finish'}
        </button>
      )}
    </>
  );
}

/** @param {{ lessons: Lessons, lesson: Lesson }} props */
function Question({ lessons, lesson }) {
  const answer = lessons.answer.value;
  const { ask, choices } = lesson.question;
  const chosen = answer === undefined ? undefined : choices[answer];
  return (
    <>
      <div class="lesson-part">
        <p>{lesson.intro}</p>
        <p role="status">
          {chosen ? <b>{chosen.because}</b> : 'Answer before the run; the run will show it.'}
        </p>
      </div>
      <div class="lesson-part">
        <fieldset class="lesson-choices">
          <legend>{ask}</legend>
          {choices.map(({ text, right }, i) => (
            <label key={text} class={chosen && (right ? 'is-right' : answer === i ? 'is-wrong' : '')}>
              <input
                type="radio"
                name="lesson-answer"
                checked={answer === i}
                onChange={() => lessons.choose(i)}
              />
              <span>
                {text}
                {chosen && right && <b> – right</b>}
              </span>
            </label>
          ))}
        </fieldset>
      </div>
    </>
  );
}

/** @param {{ lessons: Lessons, lesson: Lesson, onShow: (step: import('./list.js').Step) => void }} props */
function Work({ lessons, lesson, onShow }) {
  return (
    <>
      <ol class="lesson-part lesson-steps">
        {lesson.steps.map((step) => (
          <li key={step.text}>
            <div>
              <span>{step.text}</span>
              <button
                type="button"
                class="quiet"
                aria-label={`Show: ${step.text}`}
                onClick={() => onShow(step)}
              >
                Show
              </button>
            </div>
          </li>
        ))}
      </ol>
      <div class="lesson-part">
        <p>
          <b>Task.</b> {lesson.task.ask}
        </p>
        {lessons.isHere.value ? (
          <>
            <Task lessons={lessons} />
            <p class="lesson-hint" role="status">
              {lessons.hint.value}
            </p>
          </>
        ) : (
          <p>
            This lesson takes place elsewhere.{' '}
            <button type="button" onClick={lessons.goThere}>
              Go there
            </button>
          </p>
        )}
      </div>
    </>
  );
}

/**
 * The parts of the task with their live values.
 *
 * @param {{ lessons: Lessons, short?: boolean }} props short: in one line, for the head
 */
function Task({ lessons, short = false }) {
  const checks = lessons.checks.value;
  const done = lessons.done.value;
  if (short) {
    const held = checks.filter(({ holds }) => holds).length;
    return (
      <p class="lesson-short" role="status">
        {done ? 'Task done' : checks.length > 0 && `Task: ${held} of ${checks.length}`}
      </p>
    );
  }
  return (
    <ul class="lesson-checks">
      {checks.map(({ name, want, now, holds }) => (
        <li key={name} class={holds ? 'is-held' : ''}>
          <span class="lesson-tick" aria-hidden="true">
            {holds ? '✓' : '○'}
          </span>
          <span>
            {name}: {want}
          </span>
          <b>
            <span class="unseen">{holds ? 'reached, ' : 'not reached, '}now </span>
            {now}
          </b>
        </li>
      ))}
    </ul>
  );
}

/** @param {{ lesson: Lesson }} props */
function Conclusion({ lesson }) {
  return (
    <>
      <ul class="lesson-part lesson-conclusions">
        {lesson.conclude.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
      <div class="lesson-part">
        <details class="more">
          <summary>For teachers</summary>
          <ul class="lesson-conclusions">
            <li>
              Link: <code>#lesson={lesson.id}</code>. Add <code>&hide=seed,examples</code> to hide controls;
              “Lessons” lists what can be hidden.
            </li>
            {lesson.notes.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </details>
      </div>
    </>
  );
}

/**
 * Tells the style sheet how much of the window the panel, or what of it sticks, takes, for what sticks below it.
 *
 * @param {HTMLElement} panel
 * @returns {() => void} forgets it
 */
function keepHeight(panel) {
  const { style } = document.documentElement;
  const observer = new ResizeObserver(() =>
    style.setProperty('--lesson', `${Math.ceil(panel.offsetHeight)}px`),
  );
  observer.observe(panel);
  return () => {
    observer.disconnect();
    style.removeProperty('--lesson');
  };
}
