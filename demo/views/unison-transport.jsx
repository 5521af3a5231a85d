import { count } from '../format.js';
import { RunButtons } from './run-buttons.jsx';

/**
 * Start, Pause and Reset of a small room, with its step.
 *
 * @param {object} props
 * @param {Pick<import('../session/unison.js').Unison, 'status' | 'step' | 'start' | 'pause' | 'reset'>} props.unison
 * @param {import('preact').ComponentChildren} [props.settings] in the bar, where they are few
 */
export function UnisonTransport({ unison, settings }) {
  return (
    <section class="transport unison-bar" aria-label="Training">
      <div class="transport-bar">
        <RunButtons
          status={unison.status.value}
          start={unison.start}
          pause={unison.pause}
          reset={unison.reset}
        />
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
