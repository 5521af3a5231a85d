import { count } from '../format.js';
import { StartButton } from './start-button.jsx';

/**
 * Start, Pause and Reset of a small room, with its step.
 *
 * @param {object} props
 * @param {Pick<import('../session/unison.js').Unison, 'status' | 'step' | 'start' | 'pause' | 'reset'>} props.unison
 * @param {import('preact').ComponentChildren} [props.settings] in the bar, where they are few
 */
export function UnisonTransport({ unison, settings }) {
  const status = unison.status.value;
  const running = status === 'running';
  return (
    <section class="transport unison-bar" aria-label="Training">
      <div class="transport-bar">
        <div class="transport-buttons">
          <StartButton
            running={running}
            disabled={status === 'building' || status === 'failed'}
            onStart={unison.start}
            onPause={unison.pause}
          />
          <button type="button" disabled={status === 'building'} onClick={unison.reset}>
            Reset
          </button>
        </div>
        <dl class="facts-row">
          <div>
            <dt>Step</dt>
            <dd>{count(unison.step.value)}</dd>
          </div>
        </dl>
      </div>
      {settings && <div class="transport-more small-room-settings">{settings}</div>}
    </section>
  );
}
