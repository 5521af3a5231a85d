/**
 * Start or Pause, One step where there is one, and Reset.
 *
 * @param {object} props
 * @param {import('../run.js').Status} props.status
 * @param {boolean} [props.running] what the first button says
 * @param {boolean} [props.over] whether all steps are taken
 * @param {() => void} props.start
 * @param {() => void} props.pause
 * @param {() => void} [props.oneStep]
 * @param {() => void} props.reset
 */
export function RunButtons({
  status,
  running = status === 'running',
  over = false,
  start,
  pause,
  oneStep,
  reset,
}) {
  const waiting = status === 'building' || status === 'failed';
  return (
    <div class="transport-buttons">
      <button
        type="button"
        class="primary start"
        disabled={waiting || (!running && over)}
        onClick={running ? pause : start}
      >
        <span aria-hidden="true" class={running ? 'icon-pause' : 'icon-start'} />
        {running ? 'Pause' : 'Start'}
      </button>
      {oneStep && (
        <button type="button" disabled={waiting || running || over} onClick={oneStep}>
          One step
        </button>
      )}
      <button type="button" disabled={status === 'building'} onClick={reset}>
        Reset
      </button>
    </div>
  );
}
