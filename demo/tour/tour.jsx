import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

/** @typedef {import('./tour.js').Tour} Tour */

const mark = 'is-toured';

/**
 * The panel of the tour. It is not modal: the tour asks its reader to use the page behind it.
 *
 * @param {{ tour: Tour }} props
 */
export function TourPanel({ tour }) {
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const step = tour.step.value;
  const at = tour.index.value;
  useEffect(() => {
    if (step) heading.current?.focus({ preventScroll: true });
  }, [step]);
  useSignalEffect(() => pointAt(tour.step.value?.target ?? []));
  if (!step || at === null) return null;
  const last = at === tour.steps.length - 1;
  const done = tour.tried.value.has(at);
  return (
    <section
      class="tour"
      aria-labelledby="tour-title"
      onKeyDown={(event) => {
        if (event.key === 'Escape') tour.end();
      }}
    >
      <div class="tour-head">
        <h2 id="tour-title" ref={heading} tabIndex={-1}>
          {step.title}
        </h2>
        <span class="tour-place">
          {at + 1} of {tour.steps.length}
        </span>
      </div>
      <p>{step.text}</p>
      {step.ask && (
        <p class={done ? 'tour-ask is-done' : 'tour-ask'}>
          <b>{done ? 'Done.' : 'Try it:'}</b> {step.ask}
        </p>
      )}
      <div class="row">
        <button type="button" disabled={at === 0} onClick={tour.back}>
          Back
        </button>
        <button type="button" class="primary" onClick={tour.next}>
          {last ? 'Finish' : 'Next'}
        </button>
        <button type="button" class="quiet" onClick={tour.end}>
          End the tour
        </button>
      </div>
      <p class="unseen" role="status">
        {done ? 'Done.' : ''}
      </p>
    </section>
  );
}

/**
 * Highlights the target of a step and scrolls it into view as soon as it exists: its room may still be loading.
 *
 * @param {readonly string[]} selectors
 * @returns {() => void} removes the highlight
 */
function pointAt(selectors) {
  /** @type {Element | null} */
  let marked = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let stopped = false;
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  function look() {
    if (stopped) return;
    const found = firstOf(selectors);
    if (found && found !== marked) {
      marked?.classList.remove(mark);
      found.classList.add(mark);
      if (!marked) found.scrollIntoView({ block: 'center', behavior: calm ? 'auto' : 'smooth' });
      marked = found;
    }
    // A view that is still loading may replace the element. Looking again now and then is cheap.
    if (selectors.length) timer = setTimeout(look, 250);
  }
  look();
  return () => {
    stopped = true;
    clearTimeout(timer);
    marked?.classList.remove(mark);
  };
}

/** @param {readonly string[]} selectors */
function firstOf(selectors) {
  for (const selector of selectors) {
    const found = document.querySelector(selector);
    if (found) return found;
  }
  return null;
}
