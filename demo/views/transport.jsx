import { count, loss as lossText, size, unitName } from '../format.js';
import { Field } from './field.jsx';

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
  return (
    <section class="transport" aria-label="Training">
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
        <Undo state={state} />
        <Field state={state} name="pace" onProblems={() => {}} />
      </div>
      <dl class="facts-row">
        <Fact name="Step" value={count(step)} />
        <Fact name="Of the text read" value={passes(step / (stepsPerPass ?? 1))} />
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
        <Fact name="Speed" value={run.speed.value ? `${size(run.speed.value)}/s` : '–'} />
      </dl>
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
      <button type="button" disabled={!last} onClick={state.undo} title={`Undo${nameOf(last)} (Ctrl+Z)`}>
        Undo<span class="unseen">{nameOf(last)}</span>
      </button>
      <button type="button" disabled={!next} onClick={state.redo} title={`Redo${nameOf(next)} (Ctrl+Y)`}>
        Redo<span class="unseen">{nameOf(next)}</span>
      </button>
    </>
  );
}

/** @param {{ name: string, short?: string, value: string }} props */
function Fact({ name, short, value }) {
  return (
    <div>
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
