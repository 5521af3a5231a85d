import { compact, count, loss as lossText, unitName, unitOf } from '../format.js';
import { lossesAt } from '../history.js';
import { timeOf } from '../moments.js';
import { Field } from './field.jsx';
import { RunButtons } from './run-buttons.jsx';
import { Share, shareableOf } from './share.jsx';

/**
 * Start, pause, one step, reset, and the progress of the run.
 *
 * @param {object} props
 * @param {import('../run.js').Run} props.run
 * @param {import('../state.js').State} props.state
 * @param {import('preact').ComponentChildren} [props.children] more buttons
 */
export function Transport({ run, state, children }) {
  const unit = unitOf(state, run.task.per);
  const { stepsPerPass } = /** @type {{ stepsPerPass?: number }} */ (run.summary.value?.data ?? {});
  const { step, past } = timeOf(run);
  const { train, heldOut } = lossesAt(run.losses.value, step);
  return (
    <section class="transport" aria-label="Training">
      <div class="transport-bar">
        <RunButtons
          status={run.status.value}
          start={() => run.start()}
          pause={() => run.pause()}
          oneStep={run.oneStep}
          reset={run.reset}
        />
        <dl class={past ? 'facts-row is-past' : 'facts-row'}>
          <Fact name="Step" value={count(step)} />
          {stepsPerPass && <Fact name="Epochs" value={epochs(step / stepsPerPass)} wide />}
          <Fact
            name={`Training loss, ${unitName(unit, run.task.per)}`}
            short="Training loss"
            value={lossText(train, unit)}
          />
          <Fact
            name={`Held-out loss, ${unitName(unit, run.task.per)}`}
            short="Held-out loss"
            value={lossText(heldOut?.loss, unit)}
          />
          <Fact
            name={rateNames[run.task.per]}
            value={run.speed.value && !past ? compact(run.speed.value) : '–'}
            wide
          />
        </dl>
      </div>
      <div class="transport-more">
        <Undo state={state} />
        <Field state={state} name="pace" onProblems={() => {}} />
        <Share what={shareableOf(run)} />
        {children}
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
  // Two buttons less to look at before anything was changed.
  if (!last && !next) return null;
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

/** An arrow that points back; mirrored for Redo. */
function Arrow() {
  return (
    <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path d="M7.5 3.5 3.5 7.5l4 4M4 7.5h7.5a4.5 4.5 0 0 1 0 9H8" />
    </svg>
  );
}

const rateNames = {
  byte: 'Bytes per second',
  character: 'Characters per second',
  piece: 'Word pieces per second',
  point: 'Points per second',
  value: 'Points per second',
};

/** @param {{ name: string, short?: string, value: string, wide?: boolean }} props wide: hidden on narrow screens */
function Fact({ name, short, value, wide }) {
  return (
    <div class={wide ? 'wide-only' : undefined}>
      <dt>
        {short ? (
          <>
            {short}
            <span class="wide-only is-unit">{name.slice(short.length)}</span>
          </>
        ) : (
          name
        )}
      </dt>
      <dd>{value}</dd>
    </div>
  );
}

/** @param {number} passes over the training data */
const epochs = (passes) => passes.toFixed(passes < 10 ? 2 : 1);
