import { colourOf } from '../colours.js';
import { Drawer } from '../views/drawer.jsx';
import { useCanvas } from '../views/drawing.js';
import { Field } from '../views/field.jsx';
import { PresetChoice } from '../views/preset-choice.jsx';
import { RoomLink } from '../views/room-link.jsx';
import { createPoints, dataSets, vectorsOf } from './data.js';
import { drawMarks, prepare } from './draw.js';
import { decodePainted } from './painted.js';
import { planePresets } from './presets.js';
import { painted } from './settings.js';

/**
 * @typedef {import('../state.js').State} State
 */

const thumbnailPoints = 90;

/**
 * The choice of the data: a generated data set, or painted points.
 *
 * @param {{ state: State, onProblems: (problems: string[]) => void }} props
 */
export function DataSource({ state, onProblems }) {
  const { choices = [], help } = state.settingOf('data');
  const now = state.get('data');
  const isPainted = now === painted;
  const fixed = dataSets[String(now)]?.classes !== undefined;
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
        <RoomLink to="curve">
          <svg class="thumbnail" viewBox="0 0 48 48" aria-hidden="true">
            <path d="M5 15C11 5 16 5 24 24" stroke={colourOf(1)} />
            <path d="M24 24C32 43 37 43 43 33" stroke={colourOf(3)} />
          </svg>
          <span>Curve</span>
        </RoomLink>
      </fieldset>
      <p class={isPainted ? 'help' : 'help unseen'} id="data-help">
        {isPainted ? 'Paint points on the map of predicted classes. A quarter of them is held out.' : help}
      </p>
      {!(fixed && isPainted) && (
        <Drawer name="data" title="Points" about={isPainted ? 'classes' : 'classes, number, noise, seed'}>
          {!fixed && <Field state={state} name="classes" onProblems={onProblems} />}
          {!isPainted && <Field state={state} name="points" onProblems={onProblems} />}
          {!isPainted && <Field state={state} name="noise" onProblems={onProblems} />}
          {!isPainted && <Field state={state} name="dataSeed" onProblems={onProblems} />}
        </Drawer>
      )}
    </div>
  );
}

/** @param {{ state: State, data: string }} props */
function Thumbnail({ state, data }) {
  const { hold } = useCanvas((canvas) => {
    const surface = prepare(canvas);
    if (!surface) return;
    const { context, side, unit } = surface;
    const classes = dataSets[data]?.classes ?? Number(state.get('classes'));
    const all =
      data === painted
        ? vectorsOf(decodePainted(String(state.get('painted')), classes).points)
        : createPoints({ data, classes, count: thumbnailPoints, noise: Number(state.get('noise')), seed: 1 });
    context.clearRect(0, 0, side, side);
    if (data === painted && !all.targets.length) drawPlus(context, side);
    drawMarks(context, { side, unit: unit * 0.6 }, { all, train: all.targets.length });
  });
  return <canvas class="thumbnail" ref={hold} />;
}

/**
 * The thumbnail of painted points while there are none.
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
