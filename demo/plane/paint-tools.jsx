import { percent } from '../format.js';
import { accuracyOf } from './data.js';
import { ClassMark, classNames } from './map.jsx';
import { mostPainted } from './painted.js';

/**
 * With what the map is painted: a class, or the eraser.
 *
 * @param {object} props
 * @param {import('./run.js').PlaneRun} props.run
 * @param {import('./painter.js').Painter} props.painter
 */
export function PaintTools({ run, painter }) {
  const { classes, all } = run.data.value;
  if (!painter.active.value) {
    return (
      <div class="tools paint-tools">
        <button type="button" onClick={() => painter.take(all)}>
          Paint on it
        </button>
        <Accuracy run={run} />
      </div>
    );
  }
  const tools = Array.from({ length: classes }, (_, id) => ({
    value: id,
    name: classNames[id],
    look: <ClassMark id={id} />,
  }));
  const chosen = painter.tool.value < classes ? painter.tool.value : classes - 1;
  return (
    <div class="tools paint-tools">
      <fieldset class="segments">
        <legend>Paint</legend>
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
      <p class="help">
        {all.targets.length} of at most {mostPainted} points. Drag over the map; a link holds them.
      </p>
    </div>
  );
}

/**
 * It has its place before it is known: the map below must not move while somebody paints on it.
 *
 * @param {{ run: import('./run.js').PlaneRun }} props
 */
function Accuracy({ run }) {
  const accuracy = accuracyOf(run.map.value, run.data.value);
  const words = (/** @type {number | undefined} */ share) =>
    share === undefined || Number.isNaN(share) ? '–' : percent(share);
  return (
    <p class="accuracy">
      right: <b>{words(accuracy?.train)}</b>, held-out <b>{words(accuracy?.heldOut)}</b>
    </p>
  );
}
