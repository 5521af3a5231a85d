import { gatingOf, topKHelp } from '../gates.js';
import { SettingsSheet } from '../views/controls.jsx';
import { Drawer } from '../views/drawer.jsx';
import { Field } from '../views/field.jsx';
import { lookOf } from './marks.js';
import { Swatch } from './models-table.jsx';
import {
  chooseData,
  chosenRouters,
  fits,
  idleInAll,
  isPlane,
  minRouters,
  routerOf,
  routersOf,
} from './settings.js';

/**
 * The settings: routers, data and sizes.
 *
 * @param {import('./room.jsx').Shown & { children?: import('preact').ComponentChildren }} props children: shown below
 */
export function ComparisonPanel({ comparison, state, children }) {
  const onProblems = (/** @type {string[]} */ problems) => {
    for (const problem of problems) comparison.notify('note', `${problem}.`);
  };
  const chosen = chosenRouters(state.schema, state.values.value);
  const idle = idleInAll(state.schema, state.values.value);
  const first = { ...state.values.value, router: gatedRouter(state.schema, chosen) };
  const helpOfTopK = topKHelp(gatingOf(state.schema, first), 'token');
  const fields = (/** @type {string} */ group) =>
    state.schema
      .filter(({ key, group: own, control }) => own === group && control !== 'none' && !idle.has(key))
      .map(({ key }) => (
        <Field
          key={key}
          state={state}
          name={key}
          onProblems={onProblems}
          help={key === 'topK' ? helpOfTopK : undefined}
        />
      ));
  return (
    <SettingsSheet>
      <div class="group">
        <h2>Comparison</h2>
        <fieldset class="routers-choice">
          <legend class="unseen">Routers</legend>
          {routersOf(state.schema).map(({ name, label, summary, traits }) => (
            <label key={name} class="check">
              <input
                type="checkbox"
                checked={chosen.includes(name)}
                disabled={
                  (chosen.length <= minRouters && chosen.includes(name)) ||
                  !fits({ traits }, state.values.value)
                }
                aria-describedby={`about-${name}`}
                onChange={(event) => onProblems(state.set(name, event.currentTarget.checked))}
              />
              <span>{label}</span>
              <Swatch look={lookOf(state.schema, name)} />
              <small id={`about-${name}`} class="help">
                {summary}
                {fits({ traits }, state.values.value) ? '' : ' It needs token ids: texts only.'}
              </small>
            </label>
          ))}
        </fieldset>
        <p class="help">
          Choose at least {minRouters}. All models share the data, its order, the seed and the number of
          steps.
        </p>
        <DataField state={state} onProblems={onProblems} />
        {fields('training')}
      </div>
      <div class="group">
        <h2>Models</h2>
        {fields('main')}
        <div class="drawers">
          <Drawer name="model" title="Size" about="experts, layers, widths">
            {fields('model')}
          </Drawer>
          <Drawer name="more" title="More settings" about="data, balance, limits, batch, seed">
            {fields(isPlane(state.get('data')) ? 'plane' : 'text')}
            {fields('more')}
          </Drawer>
        </div>
      </div>
      {children}
    </SettingsSheet>
  );
}

/**
 * The first router to which the choice of the gate applies; otherwise any.
 *
 * @param {readonly import('../schema.js').Setting[]} schema
 * @param {readonly string[]} chosen
 */
const gatedRouter = (schema, chosen) =>
  chosen.find((router) => routerOf(schema, router).traits.includes('gated')) ?? chosen[0];

/**
 * The choice of the data; sizes may change with it.
 *
 * @param {{ state: import('../state.js').State, onProblems: (problems: string[]) => void }} props
 */
function DataField({ state, onProblems }) {
  const { label, help, choices = [] } = state.settingOf('data');
  const chosen = choices.find(({ value }) => value === state.get('data'));
  return (
    <div class="field" data-setting="data">
      <label for="setting-data">{label}</label>
      <select
        id="setting-data"
        value={String(state.get('data'))}
        aria-describedby="setting-data-help"
        onChange={(event) => onProblems(chooseData(state, event.currentTarget.value))}
      >
        {choices.map(({ value, label: words }) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
      <p class="help" id="setting-data-help">
        {chosen?.help ?? help}
      </p>
    </div>
  );
}
