import { useEffect, useState } from 'preact/hooks';
import { count, loss as lossText, unitName } from '../format.js';
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
 * notices are announced first; on the screen they are shown separately.
 *
 * @param {object} props
 * @param {import('../run.js').Run} props.run
 * @param {import('../state.js').State} props.state
 * @param {() => string} [props.doing] other work to announce first; empty: none
 * @param {import('preact').ComponentChildren} [props.children] shown beside it
 */
export function StatusLine({ run, state, doing, children }) {
  const [said, say] = useState(() => ({ text: doing?.() || sentenceFor(run, state), isNotice: false }));
  useEffect(() => {
    let lastNotice = 0;
    const timer = setInterval(() => {
      const notice = run.notices.peek().at(-1);
      const isNotice = notice !== undefined && notice.id > lastNotice;
      lastNotice = notice?.id ?? lastNotice;
      say({ text: isNotice ? notice.text : doing?.() || sentenceFor(run, state), isNotice });
    }, every);
    return () => clearInterval(timer);
  }, [run, state, doing]);
  return (
    <div class="status">
      <p role="status" class={said.isNotice ? 'unseen' : ''}>
        {said.text}
      </p>
      {children}
    </div>
  );
}

/**
 * @param {import('../run.js').Run} run
 * @param {import('../state.js').State} state
 */
function sentenceFor(run, state) {
  const status = run.status.peek();
  const at = run.step.peek();
  const step = count(at);
  const unit = /** @type {import('../format.js').Unit} */ (state.peek('unit'));
  const heldOut = run.losses.peek().heldOut.at(-1);
  const when = heldOut && heldOut.step !== at ? `, at step ${count(heldOut.step)}` : '';
  const quality = heldOut
    ? ` Held-out loss ${lossText(heldOut.loss, unit)} ${unitName(unit, run.task.per)}${when}.`
    : '';
  if (waitReason.peek()) return waitReason.peek();
  if (status === 'building') return 'Building the model…';
  if (status === 'running') return `Training, step ${step}.${quality}`;
  if (status === 'diverged') return `Training diverged at step ${step}.`;
  if (status === 'failed')
    return run.summary.peek()
      ? 'Training failed. Press Reset to start again.'
      : 'The model could not be built.';
  return at ? `Paused at step ${step}.${quality}` : 'Ready. The model is untrained.';
}
