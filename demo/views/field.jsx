import { useEffect, useState } from 'preact/hooks';
import { maxOf } from '../state.js';

/**
 * @typedef {import('../schema.js').Setting} Setting
 * @typedef {import('../state.js').State} State
 *
 * @typedef {object} FieldProps
 * @property {State} state
 * @property {string} name key of the setting
 * @property {(problems: string[]) => void} onProblems
 * @property {string} [help] replaces the setting's help
 * @property {readonly string[]} [without] choices that there are not now
 */

/**
 * The control of a setting: a native element with its label and help.
 *
 * @param {FieldProps} props
 */
export function Field(props) {
  const setting = props.state.settingOf(props.name);
  const Control = controls[/** @type {keyof typeof controls} */ (setting.control)];
  return Control ? <Control {...props} setting={setting} /> : null;
}

const controls = { range: Range, number: NumberField, select: Select, segments: Segments, check: Check };

/** @typedef {FieldProps & { setting: Setting }} ControlProps */

/** @param {string} key */
const idOf = (key) => `setting-${key}`;

/** @param {{ setting: Setting, help?: string }} props */
function Help({ setting, help = setting.help }) {
  return (
    help && (
      <p class="help" id={`${idOf(setting.key)}-help`}>
        {help}
      </p>
    )
  );
}

/** What describes a control, if there is something to say. @param {Setting} setting @param {string} [help] */
const describedBy = ({ key, help: own }, help = own) => (help ? `${idOf(key)}-help` : undefined);

/**
 * A slider. Shows its value while it moves, and sets it when it is released, because a new value may build a new model.
 *
 * @param {ControlProps} props
 */
function Range({ state, setting, onProblems, help }) {
  const { key, label, min = 0, step = 1 } = setting;
  const value = Number(state.get(key));
  const max = maxOf(setting, state.values.value);
  const [moving, setMoving] = useState(/** @type {number | null} */ (null));
  useEffect(() => setMoving(null), [value]);
  return (
    <div class="field" data-setting={key}>
      <div class="field-line">
        <label for={idOf(key)}>{label}</label>
        <output for={idOf(key)}>{moving ?? value}</output>
      </div>
      <input
        id={idOf(key)}
        type="range"
        min={min}
        max={max}
        step={step}
        value={moving ?? value}
        disabled={max <= min}
        aria-describedby={describedBy(setting, help)}
        onInput={(event) => setMoving(Number(event.currentTarget.value))}
        onChange={(event) => {
          setMoving(null);
          onProblems(state.set(key, Number(event.currentTarget.value)));
        }}
      />
      <Help setting={setting} help={help} />
    </div>
  );
}

/** @param {ControlProps} props */
function NumberField({ state, setting, onProblems }) {
  const { key, label, min, max, type } = setting;
  return (
    <div class="field" data-setting={key}>
      <div class="field-line">
        <label for={idOf(key)}>{label}</label>
        <input
          id={idOf(key)}
          type="number"
          min={min}
          max={max}
          step={type === 'integer' ? 1 : 'any'}
          value={String(state.get(key))}
          aria-describedby={describedBy(setting)}
          onChange={(event) => {
            onProblems(state.set(key, event.currentTarget.value));
            event.currentTarget.value = String(state.peek(key));
          }}
        />
      </div>
      <Help setting={setting} />
    </div>
  );
}

/** @param {ControlProps} props */
function Select({ state, setting, onProblems, without = [] }) {
  const { key, label } = setting;
  const choices = (setting.choices ?? []).filter(({ value }) => !without.includes(value));
  const chosen = choices.find(({ value }) => value === state.get(key));
  return (
    <div class="field" data-setting={key}>
      <label for={idOf(key)}>{label}</label>
      <select
        id={idOf(key)}
        value={String((chosen ?? choices[0])?.value)}
        aria-describedby={describedBy(setting, chosen?.help)}
        onChange={(event) => onProblems(state.set(key, event.currentTarget.value))}
      >
        {choices.map(({ value, label: words }) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
      <Help setting={setting} help={chosen?.help} />
    </div>
  );
}

/**
 * A few choices side by side: the setting's choices, or all numbers up to its limit.
 *
 * @param {ControlProps} props
 */
function Segments({ state, setting, onProblems }) {
  const { key, label, choices, min = 0 } = setting;
  const max = maxOf(setting, state.values.value);
  const options =
    choices ??
    Array.from({ length: max - min + 1 }, (_, i) => ({
      value: min + i,
      label: setting.labels?.[min + i] ?? `${min + i}`,
    }));
  return (
    <fieldset class="segments" title={setting.help} data-setting={key}>
      <legend>{label}</legend>
      {options.map(({ value, label: words }) => (
        <label key={value}>
          <input
            type="radio"
            name={idOf(key)}
            checked={state.get(key) === value}
            onChange={() => onProblems(state.set(key, value))}
          />
          <span>{words}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** @param {ControlProps} props */
function Check({ state, setting, onProblems }) {
  const { key, label, help } = setting;
  return (
    <label class="check" title={help} data-setting={key}>
      <input
        type="checkbox"
        checked={Boolean(state.get(key))}
        onChange={(event) => onProblems(state.set(key, event.currentTarget.checked))}
      />
      <span>{label}</span>
    </label>
  );
}
