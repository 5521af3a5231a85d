/**
 * Starts and pauses training.
 *
 * @param {object} props
 * @param {boolean} props.running
 * @param {boolean} props.disabled
 * @param {() => void} props.onStart
 * @param {() => void} props.onPause
 */
export const StartButton = ({ running, disabled, onStart, onPause }) => (
  <button type="button" class="primary start" disabled={disabled} onClick={running ? onPause : onStart}>
    <span aria-hidden="true" class={running ? 'icon-pause' : 'icon-start'} />
    {running ? 'Pause' : 'Start'}
  </button>
);
