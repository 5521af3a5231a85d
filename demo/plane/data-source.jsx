import { isCurve } from '../curve/data.js';
import { Drawer } from '../views/drawer.jsx';
import { useCanvas } from '../views/drawing.js';
import { Field } from '../views/field.jsx';
import { PresetChoice } from '../views/preset-choice.jsx';
import { classesOf, createPoints, dataSets, handmadeIn, handmadePoints, vectorsOf } from './data.js';
import { drawMarks, prepare } from './draw.js';
import { planePresets } from './presets.js';

/**
 * @typedef {import('../state.js').State} State
 */

const thumbnailPoints = 90;

/**
 * The choice of the data: a generated data set, a curve, or points that are made by hand.
 *
 * @param {{ state: State, onProblems: (problems: string[]) => void }} props
 */
export function DataSource({ state, onProblems }) {
  const { choices = [], help } = state.settingOf('data');
  const now = state.get('data');
  const values = state.values.value;
  const curve = isCurve(values);
  const handmade = handmadeIn(values) !== undefined;
  const painting =
    handmade && !curve
      ? 'Paint points on the map of predicted classes. A quarter of them is held out.'
      : undefined;
  const fixed = curve || dataSets[String(now)]?.classes !== undefined;
  return (
    <div class="group">
      <h2>Data</h2>
      <PresetChoice state={state} presets={planePresets} />
      <fieldset class="data-sets" data-setting="data" aria-describedby="data-help">
        <legend class="unseen">Data set</legend>
        {choices.map(({ value, label }) => (
          <label key={value}>
            <input
              type="radio"
              name="setting-data"
              checked={now === value}
              onChange={() => onProblems(state.set('data', value))}
            />
            <Thumbnail state={state} data={value} />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      {curve && <Field state={state} name="curve" onProblems={onProblems} />}
      <p class={painting ? 'help' : 'help unseen'} id="data-help">
        {curve ? 'The model learns y for each x. A quarter of the points is held out.' : (painting ?? help)}
      </p>
      {!(fixed && handmade) && (
        <Drawer name="data" title="Points" about={aboutOf(fixed, handmade)}>
          {!fixed && <Field state={state} name="classes" onProblems={onProblems} />}
          {!handmade && <Field state={state} name="points" onProblems={onProblems} />}
          {!handmade && <Field state={state} name="noise" onProblems={onProblems} />}
          {!handmade && <Field state={state} name="dataSeed" onProblems={onProblems} />}
        </Drawer>
      )}
    </div>
  );
}

/** What is in the drawer. @param {boolean} fixed @param {boolean} handmade */
function aboutOf(fixed, handmade) {
  if (handmade) return 'classes';
  return fixed ? 'number, noise, seed' : 'classes, number, noise, seed';
}

/** @param {{ state: State, data: string }} props */
function Thumbnail({ state, data }) {
  const { hold } = useCanvas((canvas) => {
    const surface = prepare(canvas);
    if (!surface) return;
    const { context, side, unit } = surface;
    /** @type {import('../schema.js').Values} */
    const values = { ...state.values.value, data };
    const curve = String(values.curve);
    const [classes, noise] = [classesOf(values), Number(values.noise)];
    const all = handmadeIn(values)
      ? vectorsOf(handmadePoints(values).points)
      : createPoints({ data, curve, classes, count: thumbnailPoints, noise, seed: 1 });
    context.clearRect(0, 0, side, side);
    if (!all.targets.length) drawPlus(context, side);
    drawMarks(context, { side, unit: unit * 0.6 }, { all, train: all.targets.length });
  });
  return <canvas class="thumbnail" ref={hold} />;
}

/**
 * The thumbnail of points made by hand while there are none.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number} side
 */
function drawPlus(context, side) {
  context.fillStyle = '#66625a';
  const [from, length, width] = [0.34 * side, 0.32 * side, 0.03 * side];
  context.fillRect(from, (side - width) / 2, length, width);
  context.fillRect((side - width) / 2, from, width, length);
}
