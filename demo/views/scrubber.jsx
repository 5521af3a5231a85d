import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { count } from '../format.js';
import { momentAt, scaleOf, shownMoment } from '../moments.js';

/** Milliseconds per moment during a replay, and with reduced motion. */
const pace = { usual: 200, calm: 500 };

/**
 * The time slider: goes back through the moments of a run, from step 0 to now. All figures that show `run.moment` follow.
 * It sticks to the lower edge of the window, so it must come after the figures.
 *
 * @param {{ run: import('../run.js').Run }} props
 */
export function Scrubber({ run }) {
  const { playing, play, stop } = usePlaying(run);
  useLiveOnStart(run);
  const moments = run.moments.value;
  const moment = run.moment.value;
  const { words } = shownMoment({ moments, moment, step: run.step.value });
  const past = moment !== null;
  const some = moments.length > 1;
  return (
    <section class={past ? 'scrubber is-past' : 'scrubber'} aria-label="Time">
      <button type="button" disabled={!some} onClick={playing ? stop : play}>
        <span aria-hidden="true" class={playing ? 'icon-pause' : 'icon-start'} />
        <span class="scrubber-word">{playing ? 'Stop' : 'Replay'}</span>
      </button>
      <label for="scrubber" title="Each notch is a recorded moment; there are more of them at the beginning.">
        {past ? 'Past' : 'Time'} <small>{some ? `${count(moments.length)} moments` : 'no moments'}</small>
      </label>
      <div class="scrubber-slider">
        <input
          id="scrubber"
          type="range"
          min={0}
          max={some ? moments.length : 1}
          step={1}
          value={some ? (moment ?? moments.length) : 1}
          disabled={!some}
          aria-valuetext={words}
          onInput={(event) => {
            stop();
            run.moment.value = momentAt(Number(event.currentTarget.value), moments.length);
          }}
        />
        {some && <Scale moments={moments} />}
      </div>
      <output for="scrubber">{words}</output>
      <button
        type="button"
        class={past ? 'primary' : 'is-absent'}
        disabled={!past}
        onClick={() => {
          stop();
          run.moment.value = null;
        }}
      >
        Back to now
      </button>
    </section>
  );
}

/**
 * A notch for each moment, and the steps at some of them: they are denser at the beginning.
 *
 * @param {{ moments: readonly { step: number }[] }} props
 */
function Scale({ moments }) {
  return (
    <p
      class="scrubber-scale"
      aria-hidden="true"
      style={{ backgroundSize: `${(100 / moments.length).toFixed(4)}% 4px` }}
    >
      {[
        ...scaleOf(moments).map(({ share, step }) => ({ share, words: count(step) })),
        { share: 1, words: 'now' },
      ].map(({ share, words }) => (
        <span key={share} style={{ left: `${(100 * share).toFixed(2)}%` }}>
          {words}
        </span>
      ))}
    </p>
  );
}

/**
 * Replays the moments up to the present.
 *
 * @param {import('../run.js').Run} run
 */
function usePlaying(run) {
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    if (!playing) return undefined;
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const timer = setInterval(
      () => {
        const at = run.moment.peek();
        const next = at === null ? null : momentAt(at + 1, run.moments.peek().length);
        run.moment.value = next;
        if (next === null) setPlaying(false);
      },
      calm ? pace.calm : pace.usual,
    );
    return () => clearInterval(timer);
  }, [playing, run]);
  return {
    playing,
    play: () => {
      // From the current moment, or from the first one if the present is shown.
      run.moment.value = run.moment.peek() ?? 0;
      setPlaying(true);
    },
    stop: () => setPlaying(false),
  };
}

/**
 * Shows the present when training starts. The slider can still go back during training.
 *
 * @param {import('../run.js').Run} run
 */
function useLiveOnStart(run) {
  const before = useRef(run.status.peek());
  useSignalEffect(() => {
    const status = run.status.value;
    if (status === 'running' && before.current !== 'running') run.moment.value = null;
    before.current = status;
  });
}
