import { effect } from '@preact/signals';
import { expertLoad } from 'hyperrouter-wasm';
import { render } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { fillOf, letterOf } from '../colours.js';
import { count, loss, percent } from '../format.js';
import { CollapseModels } from '../lessons/collapse/figure.jsx';
import { createCollapse } from '../lessons/collapse/run.js';
import { collapseSettings, routerLabels } from '../lessons/collapse/settings.js';
import { createTile, prepare } from '../plane/draw.js';
import { drawLettersOf, drawOwners } from '../plane/ownership.jsx';
import { createPlaneRun } from '../plane/run.js';
import { planeSettings } from '../plane/settings.js';
import { createViews } from '../plane/views.js';
import { createSchema } from '../schema.js';
import { createVisits } from '../session/in-room.js';
import { createState } from '../state.js';
import { useCanvas } from '../views/drawing.js';
import { Chip } from '../views/figure.jsx';
import { Choice } from './choice.jsx';
import { figures } from './list.js';
import { createPlayer } from './player.js';
import { RouterPicture } from './router-picture.jsx';
import { mountStudyFigure } from './study-figure.jsx';

/**
 * @typedef {import('../context.js').Context} Context
 * @typedef {import('../plane/run.js').PlaneRun} PlaneRun
 * @typedef {import('../state.js').State} State
 * @typedef {import('./player.js').Player} Player
 */

const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/**
 * Renders a figure in its place in the article. It plays while it is in view.
 *
 * @param {HTMLElement} place has the name of the figure
 * @param {Context} context
 */
export function mountFigure(place, context) {
  const name = String(place.dataset.figure);
  if (name === 'study') {
    mountStudyFigure(place);
    return;
  }
  const make = name === 'collapse' ? collapseFigure : planeFigure;
  const { player, View } = make(name, context);
  render(<View />, place);
  new IntersectionObserver(([{ isIntersecting }]) => {
    player.inView.value = isIntersecting;
  }).observe(place);
}

/**
 * @param {string} name
 * @param {Context} context
 */
function planeFigure(name, context) {
  const figure = figures[name];
  const state = createState(createSchema(planeSettings, context.engine.fields.classifier));
  state.setAll(Object.entries(figure.settings));
  const run = createPlaneRun({ openClient: () => context.openClient(), state });
  createVisits({ trained: run, state, restsWhenLeft: true }).enter();
  const player = createPlayer({ run, limit: figure.limit, calm: calm() });
  keepFrames(run, context.pictureEvery);
  if (figure.pictures.includes('by-k')) followK(run, state, player);
  const View = () => <PlaneFigure figure={figure} run={run} state={state} player={player} />;
  return { player, View };
}

/**
 * @param {string} _name
 * @param {Context} context
 */
function collapseFigure(_name, { engine, openClient, pictureEvery }) {
  const state = createState(createSchema(collapseSettings, engine.fields.classifier));
  const collapse = createCollapse({ openClient: () => openClient(), state, pictureEvery });
  createVisits({ trained: collapse, state, restsWhenLeft: true }).enter();
  const player = createPlayer({ run: collapse, limit: 1000, calm: calm() });
  const View = () => (
    <>
      <Bar player={player} run={collapse} words="">
        <Choice state={state} name="seed" choices={[1, 2, 3, 4, 5]} />
      </Bar>
      <CollapseModels models={collapse.models} routers={routerLabels} />
    </>
  );
  return { player, View };
}

/**
 * Asks for pictures while a run is trained.
 *
 * @param {PlaneRun} run
 * @param {() => number} pictureEvery
 */
function keepFrames(run, pictureEvery) {
  effect(() => {
    if (run.status.value !== 'running') return undefined;
    const timer = setInterval(() => run.frame(), pictureEvery());
    return () => clearInterval(timer);
  });
}

/**
 * Evaluates every k when the run rests at its end. Another k is that of another training.
 *
 * @param {PlaneRun} run
 * @param {State} state
 * @param {Player} player
 */
function followK(run, state, player) {
  let trainedWith = state.peek('topK');
  effect(() => {
    const topK = state.get('topK');
    if (topK === trainedWith) return;
    trainedWith = topK;
    queueMicrotask(run.reset);
  });
  effect(() => {
    if (player.over.value && run.status.value === 'ready' && !run.measuring.value && !run.lossByK.value)
      queueMicrotask(run.measure);
  });
}

/** @param {{ figure: import('./list.js').Figure, run: PlaneRun, state: State, player: Player }} props */
function PlaneFigure({ figure, run, state, player }) {
  const { control, choices, pictures, words } = figure;
  return (
    <>
      <Bar player={player} run={run} words={words(run)}>
        <Choice state={state} name={control} choices={choices} />
      </Bar>
      <div class="article-pictures">
        {pictures.includes('map') && <MapPicture run={run} state={state} />}
        {pictures.includes('load') && <LoadPicture run={run} />}
        {pictures.includes('by-k') && <ByKPicture run={run} />}
        {pictures.includes('router') && <RouterPicture run={run} />}
      </div>
    </>
  );
}

/**
 * @param {object} props
 * @param {Player} props.player
 * @param {import('./player.js').Played} props.run
 * @param {string} props.words
 * @param {import('preact').ComponentChildren} props.children the control
 */
function Bar({ player, run, words, children }) {
  const plays = player.wanted.value && !player.over.value;
  return (
    <div class="article-bar">
      <button type="button" disabled={player.over.value} onClick={player.toggle}>
        <span aria-hidden="true" class={plays ? 'icon-pause' : 'icon-start'} />
        {plays ? 'Pause' : 'Play'}
      </button>
      {children}
      <p class="article-words">
        Step {count(run.step.value)}.{words}
      </p>
    </div>
  );
}

/** The chosen expert of each place. @param {{ run: PlaneRun, state: State }} props */
function MapPicture({ run, state }) {
  const views = useMemo(() => createViews(run, state), [run, state]);
  const tile = useMemo(createTile, []);
  const { hold } = useCanvas((canvas) => {
    const on = prepare(canvas);
    if (!on) return;
    on.context.clearRect(0, 0, on.side, on.side);
    drawOwners(on, tile, views, false);
    drawLettersOf(on, views);
  });
  return <canvas class="article-map" ref={hold} role="img" aria-label="Map of the chosen expert, layer 1" />;
}

/** The load of each expert on the held-out points. @param {{ run: PlaneRun }} props */
function LoadPicture({ run }) {
  const map = run.map.value;
  const routing = map?.views.layers[0];
  if (!map || !routing) return null;
  const { experts } = map.shape;
  const load = [...expertLoad(routing.experts, experts)];
  const most = Math.max(2 / experts, ...load);
  return (
    <ul class="article-load" aria-label="Expert load">
      {load.map((share, expert) => {
        const look = fillOf(expert, experts, 1);
        return (
          <li key={expert}>
            <Chip letter={letterOf(expert)} {...look} />
            <span class="article-track">
              <i style={{ width: `${(100 * share) / most}%`, background: look.fill }} />
            </span>
            <span>{percent(share)}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** Held-out loss by k. @param {{ run: PlaneRun }} props */
function ByKPicture({ run }) {
  const points = run.lossByK.value?.points ?? [];
  const most = Math.max(1, ...points.map((point) => point.loss));
  const experts = Number(run.summary.value?.config.experts ?? 0);
  useEffect(() => () => void run.stopMeasuring(), [run]);
  return (
    <ul class="article-load" aria-label="Held-out loss by k, in bits">
      {Array.from({ length: experts }, (_, i) => {
        const point = points[i];
        return (
          <li key={i}>
            <span>k = {i + 1}</span>
            <span class="article-track">
              <i style={{ width: point ? `${(100 * point.loss) / most}%` : 0 }} />
            </span>
            <span>{point ? loss(point.loss, 'bits') : '–'}</span>
          </li>
        );
      })}
    </ul>
  );
}
