import { untracked } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { count, loss as lossText, unitName, unitOf } from '../format.js';
import { lossesAt } from '../history.js';
import { timeOf } from '../moments.js';
import { waitReason } from '../session/in-room.js';

/**
 * Messages to the user, with buttons for what can be done about them.
 *
 * @param {{ run: import('../run.js').Run }} props
 */
export function Notices({ run }) {
  return (
    <div class="notices">
      {run.notices.value.map(({ id, kind, text, actions }) => (
        <div key={id} class={`notice notice-${kind}`}>
          <p>{text}</p>
          <div class="row">
            {actions.map(({ label, act }) => (
              <button
                key={label}
                type="button"
                onClick={() => {
                  run.dismiss(id);
                  act();
                }}
              >
                {label}
              </button>
            ))}
            <button type="button" class="quiet" onClick={() => run.dismiss(id)}>
              Dismiss<span class="unseen"> this notice</span>
            </button>
          </div>
        </div>
      ))}
    </div>
  );
}

const every = 2000;

/**
 * The only place where screen readers announce progress: at most every two seconds, and only if it has changed. New
 * notices are announced first; on the screen they are shown separately. What is seen is always of now, as everything
 * else on the page.
 *
 * @param {object} props
 * @param {import('../run.js').Run} props.run
 * @param {import('../state.js').State} props.state
 * @param {() => string} [props.doing] other work to announce first; empty: none
 * @param {import('preact').ComponentChildren} [props.children] shown beside it
 */
export function StatusLine({ run, state, doing, children }) {
  const [said, say] = useState(() => doing?.() || sentenceFor(run, state));
  useEffect(() => {
    let lastNotice = 0;
    const timer = setInterval(() => {
      const notice = run.notices.peek().at(-1);
      const isNew = notice !== undefined && notice.id > lastNotice;
      lastNotice = notice?.id ?? lastNotice;
      say(isNew ? notice.text : untracked(() => doing?.() || sentenceFor(run, state)));
    }, every);
    return () => clearInterval(timer);
  }, [run, state, doing]);
  return (
    <div class="status">
      <Sentence run={run} state={state} doing={doing} />
      <p role="status" class="unseen">
        {said}
      </p>
      {children}
    </div>
  );
}

/** Drawn again with each news, alone. @param {Parameters<typeof StatusLine>[0]} props */
function Sentence({ run, state, doing }) {
  return <p aria-hidden="true">{doing?.() || sentenceFor(run, state)}</p>;
}

/**
 * @param {import('../run.js').Run} run
 * @param {import('../state.js').State} state
 */
function sentenceFor(run, state) {
  const status = run.status.value;
  const { step: at, now, past } = timeOf(run);
  const step = count(at);
  const unit = unitOf(state, run.task.per);
  const { heldOut } = lossesAt(run.losses.value, at);
  const when = heldOut && heldOut.step !== at ? `, at step ${count(heldOut.step)}` : '';
  const quality = heldOut
    ? ` Held-out loss ${lossText(heldOut.loss, unit)}${unit === 'squares' ? ', ' : ' '}${unitName(unit, run.task.per)}${when}.`
    : '';
  if (waitReason.value) return waitReason.value;
  if (status === 'building') return 'Building the model…';
  if (past) return `Past: everything is shown as it was at step ${step} of ${count(now)}.${quality}`;
  if (status === 'running') return `Training, step ${step}.${quality}`;
  if (status === 'diverged') return `Training diverged at step ${step}.`;
  if (status === 'failed')
    return run.summary.value
      ? 'Training failed. Press Reset to start again.'
      : 'The model could not be built.';
  return at ? `Paused at step ${step}.${quality}` : `Ready. The model ${beginning(run)}.`;
}

/**
 * What the model is before the first step.
 *
 * @param {import('../run.js').Run} run
 */
function beginning(run) {
  if (run.origin.value.kind === 'opened') return 'comes from a file';
  const { beganUntrained = true } = /** @type {{ beganUntrained?: boolean }} */ (
    run.summary.value?.data ?? {}
  );
  return beganUntrained ? 'is untrained' : 'is pretrained';
}
