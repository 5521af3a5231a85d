import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { fromCurveRoom } from '../curve/old-address.js';
import { addressOf, settingsAt } from '../opening/settings.js';
import { Machine } from '../stage/machine.jsx';
import { Controls, ToSettings } from '../views/controls.jsx';
import { Deferred } from '../views/deferred.jsx';
import { LoadView } from '../views/load.jsx';
import { LoadHistoryView } from '../views/load-history.jsx';
import { LossView } from '../views/loss.jsx';
import { Notices, StatusLine } from '../views/notices.jsx';
import { PresetHint } from '../views/preset-choice.jsx';
import { RunsView } from '../views/runs.jsx';
import { Scrubber } from '../views/scrubber.jsx';
import { TopKView } from '../views/top-k.jsx';
import { Transport } from '../views/transport.jsx';
import { DataSource } from './data-source.jsx';
import { OutputFigure } from './output.jsx';
import { OwnershipFigure } from './ownership.jsx';
import { createPainter } from './painter.js';
import { planePresets } from './presets.js';
import { PlaneReadout } from './readout.jsx';
import { openPlaneRun } from './run.js';
import { TerritoriesFigure } from './territories.jsx';
import { createViews } from './views.js';

/**
 * A classifier learns points of the plane; the map shows the chosen expert of every place.
 *
 * @param {import('../context.js').Context} context
 * @returns {Promise<import('../shell.js').Room>}
 */
export async function openRoom(context) {
  const { run, state, enter, leave } = await openPlaneRun(context);
  const painter = createPainter({ state });
  return {
    states: [state],
    run,
    enter,
    leave,
    readAddress: (address) => state.readAddress(settingsAt(fromCurveRoom(address))),
    addressOf,
    report: (problems) => {
      for (const problem of problems) run.notify('note', problem);
    },
    View: () => <PlaneRoom run={run} state={state} painter={painter} />,
  };
}

/**
 * @param {object} props
 * @param {import('./run.js').PlaneRun} props.run
 * @param {import('../state.js').State} props.state
 * @param {import('./painter.js').Painter} props.painter
 */
function PlaneRoom({ run, state, painter }) {
  const views = useMemo(() => createViews(run, state), [run, state]);
  const cursor = useSignal({ x: 0, y: 0 });
  const hovered = useSignal(/** @type {import('./map.jsx').Place | null} */ (null));
  const onProblems = (/** @type {string[]} */ problems) => {
    for (const problem of problems) run.notify('note', `${problem}.`);
  };
  const shown = { run, state, views, painter, cursor, hovered };
  return (
    <>
      <Transport run={run} state={state}>
        <ToSettings />
      </Transport>
      <StatusLine run={run} state={state}>
        <PresetHint state={state} presets={planePresets} />
      </StatusLine>
      <Notices run={run} />
      <div class="columns columns-plane">
        <Controls
          run={run}
          state={state}
          onProblems={onProblems}
          source={<DataSource state={state} onProblems={onProblems} />}
        />
        <div class="column">
          <div class="machine-stage">
            <Machine {...shown} />
            <OutputFigure {...shown} />
          </div>
          <PlaneReadout {...shown} />
          <div class="maps">
            <OwnershipFigure {...shown} />
            <TerritoriesFigure run={run} state={state} views={views} />
          </div>
        </div>
        <div class="column">
          <Deferred turn={2}>
            <LoadView routed={run.map} state={state} what="held-out points" folded />
            <LossView run={run} state={state} height={160} folded />
            <RunsView run={run} state={state} />
            <LoadHistoryView run={run} state={state} />
            <TopKView run={run} state={state} />
          </Deferred>
        </div>
      </div>
      <Scrubber run={run} />
    </>
  );
}
