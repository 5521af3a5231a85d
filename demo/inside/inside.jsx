import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { idleKeys } from '../schema.js';
import { Drawer } from '../views/drawer.jsx';
import { Field } from '../views/field.jsx';
import { useMedia } from '../views/media.js';
import { Notices, StatusLine } from '../views/notices.jsx';
import { Scrubber } from '../views/scrubber.jsx';
import { Transport } from '../views/transport.jsx';
import { EffectView } from './effect.jsx';
import { GateView } from './gate-view.jsx';
import { createInspector, inspectionAt } from './inspection.js';
import { JacobianView } from './jacobian.jsx';
import { LearnsView } from './learns.jsx';
import { PathView } from './path.jsx';
import { RouterDiagram } from './router-diagram.jsx';
import { RouterDrift } from './router-drift.jsx';
import { SimilarityView } from './similarity.jsx';
import { trajectoryOf } from './trajectory.js';

/**
 * @typedef {import('../run.js').Run} Run
 * @typedef {import('../state.js').State} State
 */

/** Milliseconds between two updates; calm: where reduced motion is preferred. */
const pause = { usual: 250, calm: 500 };

/** @param {{ run: Run, state: State, own: State }} props own: settings of this room */
export function InsideRoom({ run, state, own }) {
  const onProblems = (/** @type {string[]} */ problems) => {
    for (const problem of problems) run.notify('note', `${problem}.`);
  };
  return (
    <>
      <Transport run={run} state={state} />
      <StatusLine run={run} state={state} />
      <Notices run={run} />
      <div class="inside">
        <div class="inside-tools">
          <Field state={own} name="of" onProblems={onProblems} />
          <LayerChoice own={own} layers={Number(state.get('layers'))} />
          <Field state={state} name="router" onProblems={onProblems} />
          {!idleKeys(state.schema, state.values.value).has('gate') && (
            <Field state={state} name="gate" onProblems={onProblems} />
          )}
        </div>
        <Figures run={run} state={state} own={own} />
      </div>
      <Scrubber run={run} />
    </>
  );
}

/** @param {{ run: Run, state: State, own: State }} props */
function Figures({ run, state, own }) {
  const layer = useComputed(() => Number(own.get('gateLayer')) - 1);
  const calm = useMedia('(prefers-reduced-motion: reduce)');
  const wide = useMedia('(min-width: 62rem)');
  const { inspection, follow } = useMemo(
    () => createInspector({ run, layer, pause: calm ? pause.calm : pause.usual }),
    [run, layer, calm],
  );
  useEffect(follow, [follow]);
  const index = useSignal(0);
  const { now, shown, trajectory } = useShown(run, inspection.value);
  if (!now || !shown) return <p class="nothing">Loading the router.</p>;
  const { parts, sizes, step } = shown;
  const routers = state.settingOf('router').choices ?? [];
  const router = routers.find(({ value }) => value === sizes.router) ?? {
    value: sizes.router,
    label: sizes.router,
  };
  return (
    <>
      <RouterDiagram
        inspection={shown}
        router={router}
        gate={state.settingOf('gate').choices?.find(({ value }) => value === sizes.gate)}
        topK={Number(state.get('topK'))}
        wide={wide}
        onEmbedding={(at) => {
          if (at !== null) index.value = at;
        }}
      />
      <GateView inspection={shown} state={state} />
      {parts?.scores && (
        <div class="inside-columns">
          {parts.generator && (
            <EffectView
              generator={parts.generator}
              experts={sizes.experts}
              index={index.value}
              onIndex={(at) => {
                index.value = at;
              }}
            />
          )}
          {parts.generator && <PathView trajectory={trajectory} now={step} />}
          <RouterDrift isFrozen={parts.roles.weight === 'frozen'} trajectory={trajectory} now={step} />
          <SimilarityView weight={parts.scores.weight} trajectory={trajectory} now={step} />
        </div>
      )}
      <Drawer name="all-routers" title="All routers" about="what each learns; the Jacobian of the layer">
        <LearnsView inspection={shown} routers={routers} />
        <JacobianView sizes={sizes} routers={routers} />
      </Drawer>
    </>
  );
}

/**
 * The current router, the router that is shown (the current one or a recorded moment), and the trajectory.
 *
 * @param {Run} run
 * @param {import('./inspection.js').Inspection | null} latest
 */
function useShown(run, latest) {
  const before = useRef(latest);
  // After a rebuild the last picture stays until there is one of the new model.
  if (latest) before.current = latest;
  const now = before.current;
  const same = now?.sizes === /** @type {unknown} */ (run.summary.value?.config);
  const moments = same ? run.moments.value : none;
  const at = run.moment.value;
  const moment = at === null ? undefined : moments[at];
  const shown = useMemo(() => now && inspectionAt(now, moment), [now, moment]);
  const trajectory = useMemo(() => (now ? trajectoryOf(now, moments) : []), [now, moments]);
  return { now, shown, trajectory };
}

/** @type {readonly import('../trainer/trainer-protocol.js').Moment[]} */
const none = [];

/** @param {{ own: State, layers: number }} props */
function LayerChoice({ own, layers }) {
  if (layers < 2) return null;
  const { label, help } = own.settingOf('gateLayer');
  const chosen = Math.min(layers, Number(own.get('gateLayer')));
  return (
    <fieldset class="segments" title={help} data-setting="gateLayer">
      <legend>{label}</legend>
      {Array.from({ length: layers }, (_, i) => (
        <label key={i}>
          <input
            type="radio"
            name="setting-gateLayer"
            checked={chosen === i + 1}
            onChange={() => own.set('gateLayer', i + 1)}
          />
          <span>{i + 1}</span>
        </label>
      ))}
    </fieldset>
  );
}
