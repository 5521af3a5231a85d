import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { maxPainted } from '../plane/painted.js';
import { createPainter, fullWords } from '../plane/painter.js';
import { createSchema } from '../schema.js';
import { createState } from '../state.js';
import { Field } from '../views/field.jsx';
import { Notices } from '../views/notices.jsx';
import { RoomLink } from '../views/room-link.jsx';
import { UnisonTransport } from '../views/unison-transport.jsx';
import { minPoints } from './data.js';
import { CurveFigure } from './figure.jsx';
import { createCurve } from './run.js';
import { curveSettings } from './settings.js';

/**
 * A regressor learns a curve; the figure shows which expert has learned which piece.
 *
 * @param {import('../context.js').Context} context
 * @returns {Promise<import('../shell.js').Room>}
 */
export async function openRoom({ engine, openClient, pictureEvery, shared }) {
  const { curve, state } = await shared('curve', async () => {
    const made = createState(createSchema(curveSettings, engine.fields.classifier));
    return { curve: createCurve({ openClient, state: made, pictureEvery }), state: made };
  });
  return {
    states: [state],
    run: null,
    step: () => curve.step.value,
    status: curve.status,
    enter: curve.follow,
    leave: curve.pause,
    report: (problems) => {
      for (const problem of problems) curve.notify('note', problem);
    },
    View: () => <CurveRoom curve={curve} state={state} />,
  };
}

/** @param {{ curve: import('./run.js').Curve, state: import('../state.js').State }} props */
function CurveRoom({ curve, state }) {
  const painter = useMemo(() => createPainter({ state }), [state]);
  const cursor = useSignal({ x: 0, y: 0 });
  const hovered = useSignal(/** @type {import('../plane/map.jsx').Place | null} */ (null));
  const onProblems = (/** @type {string[]} */ problems) => {
    for (const problem of problems) curve.notify('note', `${problem}.`);
  };
  const loss = curve.loss.value;
  return (
    <>
      <UnisonTransport unison={curve} waits={curve.waits.value}>
        <div>
          <dt>Mean squared error (1 = no better than the mean)</dt>
          <dd class="curve-loss">{loss === undefined ? '–' : loss.toFixed(3)}</dd>
        </div>
      </UnisonTransport>
      <Notices run={/** @type {any} */ (curve)} />
      <div class="small-room">
        <p class="curve-about">
          Each expert learns a piece of the curve, and the router learns where to use it: the first picture of
          experts, from Jacobs et al. 1991,{' '}
          <a href="https://doi.org/10.1162/neco.1991.3.1.79">Adaptive Mixtures of Local Experts</a>. The model
          is a regressor of the package with one layer. <RoomLink to="plane">Back to the Playground</RoomLink>
        </p>
        <div class="small-room-settings">
          {state.schema.map(({ key }) => (
            <Field key={key} state={state} name={key} onProblems={onProblems} />
          ))}
        </div>
        {painter.active.value && <Drawing curve={curve} painter={painter} />}
        <CurveFigure curve={curve} painter={painter} cursor={cursor} hovered={hovered} />
      </div>
    </>
  );
}

/** @param {{ curve: import('./run.js').Curve, painter: import('../plane/painter.js').Painter }} props */
function Drawing({ curve, painter }) {
  const { length } = curve.points.value;
  return (
    <div class="tools">
      <button type="button" disabled={!length} onClick={painter.clear}>
        Clear
      </button>
      <p class="help" role="status">
        {painter.full.value
          ? fullWords
          : `${length} of at most ${maxPainted} points. Drag on the figure to draw. Training needs ${minPoints}.`}
      </p>
    </div>
  );
}
