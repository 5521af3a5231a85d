import { count } from '../format.js';
import { isPretrained, nothing, openingValues, pretrained, training } from './pretrained.js';

/**
 * Whether the model was trained before, or begins with random weights.
 *
 * @param {{ state: import('../state.js').State }} props
 */
export function StartChoice({ state }) {
  const { label, choices = [] } = state.settingOf('start');
  const { prompt: _, length: __, temperature: ___, text: ____, ...values } = openingValues;
  return (
    <div class="field" data-setting="start">
      <label for="setting-start">{label}</label>
      <select
        id="setting-start"
        value={String(state.get('start'))}
        aria-describedby="setting-start-help"
        onChange={(event) => {
          if (event.currentTarget.value === pretrained) state.setTogether('start', Object.entries(values));
          else state.set('start', nothing);
        }}
      >
        {choices.map(({ value, label: words }) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
      <p class="help" id="setting-start-help">
        {isPretrained(state.values.value)
          ? `It has read Moby-Dick ${training.epochs} times: ${count(training.steps)} steps, ${training.minutes} minutes on one core. The passage shown was held out. Train it further, on your own text too. Random weights: the same model from its beginning.`
          : 'Learning from the beginning. The pretrained model writes words at once.'}
      </p>
    </div>
  );
}
