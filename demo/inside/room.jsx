import { computed, effect, useComputed } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { planeBench } from '../plane/bench.js';
import { createState } from '../state.js';
import { textBench } from '../text/bench.js';
import { Field } from '../views/field.jsx';
import { Notices, StatusLine } from '../views/notices.jsx';
import { Transport } from '../views/transport.jsx';
import { JacobianView } from './jacobian.jsx';
import { LearnsView } from './learns.jsx';
import { createLooks, lookAt } from './look.js';
import { PathView } from './path.jsx';
import { insideSettings } from './settings.js';
import { SimilarityView } from './similarity.jsx';
import { WayView } from './way.jsx';

/**
 * @typedef {import('../run.js').Run} Run
 * @typedef {import('../state.js').State} State
 */

/**
 * Where a router's weights come from: a look into the run of the playground or of the text.
 *
 * @param {import('../context.js').Context} context
 * @returns {Promise<import('../shell.js').Room>}
 */
export async function openRoom(context) {
  const benches = { plane: await planeBench(context), text: await textBench(context) };
  const own = createState(insideSettings);
  const bench = computed(() => benches[/** @type {keyof typeof benches} */ (own.get('of'))]);
  let entered = false;
  /** @type {Run | undefined} */
  let before;
  effect(() => {
    const { run, begin } = bench.value;
    if (before && before !== run && before.status.peek() === 'running') before.pause();
    before = run;
    if (entered) begin();
  });
  return {
    get states() {
      return [bench.value.state, own];
    },
    get run() {
      return bench.value.run;
    },
    // Whose router it is decides whose settings the rest of the address is about.
    readAddress: (settings) => [...own.readAddress(settings), ...bench.peek().state.readAddress(settings)],
    enter() {
      entered = true;
      bench.peek().begin();
    },
    leave() {
      entered = false;
    },
    report: (problems) => {
      for (const problem of problems) bench.peek().run.notify('note', problem);
    },
    View: () => {
      const { run, state } = bench.value;
      return <InsideRoom key={own.get('of')} run={run} state={state} own={own} />;
    },
  };
}

/** @param {{ run: Run, state: State, own: State }} props */
function InsideRoom({ run, state, own }) {
  const { look, refresh } = useMemo(
    () => createLooks(run, () => Number(own.peek('gateLayer')) - 1),
    [run, own],
  );
  useEffect(() => {
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const timer = setInterval(() => refresh().catch(run.report), calm ? 500 : 250);
    return () => clearInterval(timer);
  }, [refresh, run]);
  const moment = useComputed(() =>
    run.moment.value === null ? undefined : run.moments.value[run.moment.value],
  );
  const shown = look.value && lookAt(look.value, moment.value);
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
          <LayerChoice own={own} layers={shown?.sizes.layers ?? 1} />
          <Field state={state} name="router" onProblems={onProblems} />
        </div>
        {shown?.parts && (
          <div class="inside-columns">
            <div class="column">
              <WayView parts={shown.parts} layer={shown.layer + 1} step={shown.step} />
            </div>
            <div class="column">
              <PathView
                parts={shown.parts}
                moments={run.moments.value}
                layer={shown.layer}
                step={shown.step}
              />
              <SimilarityView parts={shown.parts} />
            </div>
          </div>
        )}
        {shown && !shown.parts && (
          <p class="nothing">
            A dense model has no router: one network, as wide as all experts together, takes everything.
            Choose another router to look into it.
          </p>
        )}
        {shown && <LearnsView sizes={shown.sizes} current={shown.sizes.router} />}
        <JacobianView current={shown?.sizes.router ?? ''} />
      </div>
    </>
  );
}

/** @param {{ own: State, layers: number }} props */
function LayerChoice({ own, layers }) {
  if (layers < 2) return null;
  const { label, help } = own.settingOf('gateLayer');
  const chosen = Math.min(layers, Number(own.get('gateLayer')));
  return (
    <fieldset class="segments" title={help}>
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
