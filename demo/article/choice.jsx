/**
 * The one control of a figure: a few choices, by name, without ids, which the controls of the rooms have.
 *
 * @param {object} props
 * @param {import('../state.js').State} props.state
 * @param {string} props.name key of the setting
 * @param {readonly (string | number)[]} [props.choices] by default, all
 */
export function Choice({ state, name, choices }) {
  const setting = state.settingOf(name);
  const all = choices ?? (setting.choices ?? []).map(({ value }) => value);
  const labelOf = (/** @type {string | number} */ value) =>
    setting.choices?.find((choice) => choice.value === value)?.label ?? String(value);
  return (
    <label class="article-choice">
      <span>{setting.label}</span>
      <select
        value={String(state.get(name))}
        onChange={({ currentTarget }) => state.set(name, all[currentTarget.selectedIndex])}
      >
        {all.map((value) => (
          <option key={value} value={String(value)}>
            {labelOf(value)}
          </option>
        ))}
      </select>
    </label>
  );
}
