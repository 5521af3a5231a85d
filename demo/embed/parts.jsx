import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { OutputFigure } from '../plane/output.jsx';
import { OwnershipFigure } from '../plane/ownership.jsx';
import { createPainter } from '../plane/painter.js';
import { openPlaneRun } from '../plane/run.js';
import { createViews } from '../plane/views.js';
import { Machine } from '../stage/machine.jsx';
import { LoadView } from '../views/load.jsx';
import { LossView } from '../views/loss.jsx';
import { Notices } from '../views/notices.jsx';
import { Transport } from '../views/transport.jsx';
import { partOf } from './address.js';
import { Embedded } from './whole.jsx';

/**
 * @typedef {import('../plane/run.js').PlaneRun} PlaneRun
 * @typedef {import('../state.js').State} State
 * @typedef {'stage' | 'map' | 'load' | 'loss'} PlanePart
 */

/**
 * The room of an embedded figure: the run of the playground, and one figure of it.
 *
 * @param {import('../context.js').Context} context
 * @param {string} name of the figure
 * @returns {Promise<import('../shell.js').Room>}
 */
export async function openPart(context, name) {
  const { run, state, enter, leave } = await openPlaneRun(context);
  return {
    states: [state],
    run,
    enter,
    leave,
    report: (problems) => {
      for (const problem of problems) run.notify('note', problem);
    },
    View: () => <Part run={run} state={state} part={/** @type {PlanePart} */ (partOf(name, ''))} />,
  };
}

/** @param {{ run: PlaneRun, state: State, part: PlanePart }} props */
function Part({ run, state, part }) {
  const Figure = figures[part];
  return (
    <>
      <Transport run={run} state={state} />
      <Notices run={run} />
      <Embedded part={part} settings={state.address.value}>
        <Figure run={run} state={state} />
      </Embedded>
    </>
  );
}

/** @type {Record<PlanePart, (props: { run: PlaneRun, state: State }) => import('preact').ComponentChild>} */
const figures = {
  stage: Stage,
  map: ExpertMap,
  load: ({ run, state }) => <LoadView routed={run.map} state={state} what="held-out points" />,
  loss: ({ run, state }) => <LossView run={run} state={state} height={200} />,
};

/** @param {{ run: PlaneRun, state: State }} of what maps share */
function useShown({ run, state }) {
  const views = useMemo(() => createViews(run, state), [run, state]);
  const painter = useMemo(() => createPainter({ state }), [state]);
  const cursor = useSignal({ x: 0, y: 0 });
  const hovered = useSignal(/** @type {import('../plane/map.jsx').Place | null} */ (null));
  return { run, state, views, painter, cursor, hovered };
}

/** @param {{ run: PlaneRun, state: State }} props */
function Stage(props) {
  const shown = useShown(props);
  return (
    <div class="machine-stage">
      <Machine {...shown} />
      <OutputFigure {...shown} />
    </div>
  );
}

/** @param {{ run: PlaneRun, state: State }} props */
function ExpertMap(props) {
  return <OwnershipFigure {...useShown(props)} />;
}
