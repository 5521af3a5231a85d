import { compact, count, loss as lossText, size, unitName } from '../format.js';
import { Field } from './field.jsx';
import { Share, shareableOf } from './share.jsx';

/**
 * Start, pause, one step, reset, and where the run is.
 *
 * @param {{ run: import('../run.js').Run, state: import('../state.js').State }} props
 */
export function Transport({ run, state }) {
  const status = run.status.value;
  const running = status === 'running';
  const waiting = status === 'building' || status === 'failed';
  const unit = /** @type {import('../format.js').Unit} */ (state.get('unit'));
  const history = run.losses.value;
  const { stepsPerPass } = /** @type {{ stepsPerPass?: number }} */ (run.summary.value?.data ?? {});
  const step = run.step.value;
  const bytes = run.task.per === 'byte';
  return (
    <section class="transport" aria-label="Training">
      <div class="transport-bar">
        <div class="transport-buttons">
          <button
            type="button"
            class="primary start"
            disabled={waiting}
            onClick={() => (running ? run.pause() : run.start())}
          >
            <span aria-hidden="true" class={running ? 'icon-pause' : 'icon-start'} />
            {running ? 'Pause' : 'Start'}
          </button>
          <button type="button" disabled={waiting || running} onClick={run.oneStep}>
            One step
          </button>
          <button type="button" disabled={status === 'building'} onClick={run.reset}>
            Reset
          </button>
        </div>
        <dl class="facts-row">
          <Fact name="Step" value={count(step)} />
          {stepsPerPass && (
            <Fact
              name={run.task.per === 'point' ? 'Of the data seen' : 'Of the text read'}
              value={passes(step / stepsPerPass)}
              wide
            />
          )}
          <Fact
            name={`Training, ${unitName(unit, run.task.per)}`}
            short="Training"
            value={lossText(history.smooth.at(-1), unit)}
          />
          <Fact
            name={`Held-out, ${unitName(unit, run.task.per)}`}
            short="Held-out"
            value={lossText(history.heldOut.at(-1)?.loss, unit)}
          />
          <Fact
            name={bytes ? 'Per second' : 'Points per second'}
            value={perSecond(run.speed.value, bytes)}
            wide
          />
        </dl>
      </div>
      <div class="transport-more">
        <Undo state={state} />
        <Field state={state} name="pace" onProblems={() => {}} />
        <Share what={shareableOf(run)} />
      </div>
    </section>
  );
}

/** @param {{ state: import('../state.js').State }} props */
export function Undo({ state }) {
  const last = state.undoable.value.at(-1);
  const next = state.redoable.value.at(-1);
  const nameOf = (/** @type {import('../state.js').Change | undefined} */ change) =>
    change ? `: ${state.settingOf(change.key).label}` : '';
  return (
    <>
      <button
        type="button"
        class="icon"
        disabled={!last}
        onClick={state.undo}
        title={`Undo${nameOf(last)} (Ctrl+Z)`}
      >
        <Arrow />
        <span class="unseen">Undo{nameOf(last)}</span>
      </button>
      <button
        type="button"
        class="icon icon-redo"
        disabled={!next}
        onClick={state.redo}
        title={`Redo${nameOf(next)} (Ctrl+Y)`}
      >
        <Arrow />
        <span class="unseen">Redo{nameOf(next)}</span>
      </button>
    </>
  );
}

/** An arrow that turns back; mirrored, it turns forward. */
function Arrow() {
  return (
    <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path d="M7.5 3.5 3.5 7.5l4 4M4 7.5h7.5a4.5 4.5 0 0 1 0 9H8" />
    </svg>
  );
}

/**
 * @param {number} examples
 * @param {boolean} bytes
 */
function perSecond(examples, bytes) {
  if (!examples) return '–';
  return bytes ? size(examples) : compact(examples);
}

/** @param {{ name: string, short?: string, value: string, wide?: boolean }} props wide: not on a narrow screen */
function Fact({ name, short, value, wide }) {
  return (
    <div class={wide ? 'wide-only' : undefined}>
      <dt>
        {short ? (
          <>
            {short}
            <span class="wide-only">{name.slice(short.length)}</span>
          </>
        ) : (
          name
        )}
      </dt>
      <dd>{value}</dd>
    </div>
  );
}

/** @param {number} share */
function passes(share) {
  return share < 1 ? `${Math.floor(share * 100)} %` : `${share.toFixed(1)} ×`;
}
