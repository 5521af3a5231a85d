import { applyPreset, presetOf } from '../presets.js';

/**
 * What there is to see in the chosen example, beside the figures.
 *
 * @param {{ state: import('../state.js').State, presets: import('../presets.js').Presets }} props
 */
export function PresetHint({ state, presets }) {
  const chosen = presetOf(state, presets);
  return chosen < 0 ? null : (
    <p class="preset-hint" aria-hidden="true">
      {presets.list[chosen].hint}
    </p>
  );
}

/**
 * The choice of an example.
 *
 * @param {{ state: import('../state.js').State, presets: import('../presets.js').Presets }} props
 */
export function PresetChoice({ state, presets }) {
  const chosen = presetOf(state, presets);
  return (
    <div class="field" data-setting="examples">
      <label for="preset">Examples</label>
      <select
        id="preset"
        value={String(chosen)}
        aria-describedby="preset-help"
        onChange={(event) => {
          const index = Number(event.currentTarget.value);
          if (index >= 0) applyPreset(state, presets, index);
        }}
      >
        {chosen < 0 && <option value="-1">Custom settings</option>}
        {presets.list.map(({ name }, i) => (
          <option key={name} value={i}>
            {name}
          </option>
        ))}
      </select>
      <p class="help" id="preset-help">
        {chosen < 0 ? 'Presets for the whole room. Undo restores your settings.' : presets.list[chosen].hint}
      </p>
    </div>
  );
}
