import { percent } from '../format.js';
import { accuracyOf } from './data.js';
import { ClassMark, classNames } from './map.jsx';
import { maxPainted } from './painted.js';
import { fullWords } from './painter.js';

/**
 * The way to the painting tools.
 *
 * @param {object} props
 * @param {import('./run.js').PlaneRun} props.run
 * @param {import('./painter.js').Painter} props.painter
 */
export function StartPainting({ run, painter }) {
  return (
    <button type="button" onClick={() => painter.startFrom(run.data.value.all)}>
      {run.data.value.curve ? 'Draw' : 'Paint points'}
    </button>
  );
}

/**
 * The painting tools: one for each class, and the eraser. Before somebody paints, only the accuracy.
 *
 * @param {object} props
 * @param {import('./run.js').PlaneRun} props.run
 * @param {import('./painter.js').Painter} props.painter
 */
export function PaintTools({ run, painter }) {
  const { classes, all, curve } = run.data.value;
  if (!painter.active.value) return <Accuracy run={run} />;
  const tools = Array.from({ length: classes }, (_, id) => ({
    value: id,
    name: curve ? 'Point' : classNames[id],
    look: <ClassMark id={id} />,
  }));
  const chosen = painter.tool.value < classes ? painter.tool.value : classes - 1;
  return (
    <div class="tools paint-tools">
      <fieldset class="segments">
        <legend>{curve ? 'Draw' : 'Paint'}</legend>
        {[...tools, { value: -1, name: 'Eraser', look: 'Eraser' }].map(({ value, name, look }) => (
          <label key={value}>
            <input
              type="radio"
              name="paint-tool"
              aria-label={name}
              checked={chosen === value}
              onChange={() => {
                painter.tool.value = value;
              }}
            />
            <span>{look}</span>
          </label>
        ))}
      </fieldset>
      <button type="button" disabled={!all.targets.length} onClick={painter.clear}>
        Clear
      </button>
      <Accuracy run={run} />
      <p class={painter.full.value ? 'paint-limit' : 'help'} role="status">
        {painter.full.value
          ? fullWords
          : `${all.targets.length} of at most ${maxPainted} points. Drag on the map to ${curve ? 'draw' : 'paint'}. Links include the points.`}
      </p>
    </div>
  );
}

/**
 * Takes up its space before the accuracy is known: the map below must not move while somebody paints on it.
 *
 * @param {{ run: import('./run.js').PlaneRun }} props
 */
function Accuracy({ run }) {
  if (run.data.value.curve) return null;
  const accuracy = accuracyOf(run.map.value, run.data.value);
  const words = (/** @type {number | undefined} */ share) =>
    share === undefined || Number.isNaN(share) ? '–' : percent(share);
  return (
    <p class="accuracy">
      Accuracy: training <b>{words(accuracy?.train)}</b>, held-out <b>{words(accuracy?.heldOut)}</b>
    </p>
  );
}
