import { effect, useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { count, loss as lossText, unitName, unitOf } from '../format.js';
import { lossesAt } from '../history.js';
import { timeOf } from '../moments.js';
import { Drawer } from './drawer.jsx';
import { useDrawing } from './drawing.js';

/**
 * @typedef {import('../run.js').Run} Run
 * @typedef {import('../session/runs.js').KeptRun} KeptRun
 * @typedef {import('../session/runs.js').Thumbnail} Thumbnail
 * @typedef {import('../format.js').Unit} Unit
 * @typedef {import('../state.js').State} State
 */

/**
 * The runs of this visit: the current one and those before, each with a picture, its settings and its loss. Opening one
 * restores its settings and its model; their losses can be compared in the chart, their maps beside each other.
 *
 * @param {{ run: Run, state: State }} props
 */
export function RunsView({ run, state }) {
  const runs = run.runs.value;
  const { current, before } = run.words.value;
  const compared = runs.filter((one) => one.compared);
  return (
    <section class="runs" aria-labelledby="runs-title">
      <h2 id="runs-title">Runs</h2>
      <ol class="runs-list">
        <li class="run is-current" aria-current="true">
          <Now run={run} />
          <p class="run-words">
            <b>now</b> {current}
            <Loss run={run} state={state} />
          </p>
        </li>
        {runs
          .map((one, i) => ({ one, words: before[i] }))
          .toReversed()
          .map(({ one, words }) => (
            <Kept key={one.number} run={run} one={one} words={words} state={state} />
          ))}
      </ol>
      <p class="help">
        {runs.length
          ? 'Kept until this page is reloaded. A link keeps the settings, a saved file the model.'
          : 'A run is kept here when you change a setting or press Reset.'}
      </p>
      {compared.length > 0 && (
        <Drawer name="compare" title="Compare runs" about="their maps and losses beside each other">
          <Comparison run={run} compared={compared} state={state} />
        </Drawer>
      )}
    </section>
  );
}

/** @param {{ run: Run, one: KeptRun, words: string, state: State }} props */
function Kept({ run, one, words, state }) {
  const name = `run ${one.number}`;
  return (
    <li class="run">
      <button type="button" class="run-open" onClick={() => run.openRun(one)}>
        {one.thumbnails.slice(0, 1).map((thumbnail) => (
          <Picture key={thumbnail.name} thumbnail={thumbnail} />
        ))}
        <span class="run-words">
          <b>
            <span class="unseen">Open </span>
            {name}
          </b>{' '}
          {words}
          <span class="run-loss">{lossOf(one, unitOf(state, one.per))}</span>
          {!one.model && <small>Only its settings are kept.</small>}
        </span>
      </button>
      <span class="run-tools">
        <label>
          <input
            type="checkbox"
            checked={one.compared}
            onChange={(event) => run.compareRun(one, event.currentTarget.checked)}
          />{' '}
          Compare<span class="unseen"> {name}</span>
        </label>
        <button type="button" class="quiet" onClick={() => run.removeRun(one)}>
          Remove<span class="unseen"> {name}</span>
        </button>
      </span>
    </li>
  );
}

/** @param {KeptRun} run @param {Unit} unit */
function lossOf({ losses, step }, unit) {
  const { train, heldOut } = lossesAt(losses, step);
  return `loss ${lossText(heldOut?.loss ?? train, unit)} at step ${count(step)}`;
}

/** Drawn again with each news, alone. @param {{ run: Run, state: State }} props */
function Loss({ run, state }) {
  const { step } = timeOf(run);
  const { train, heldOut } = lossesAt(run.losses.value, step);
  return (
    <span class="run-loss">
      loss {lossText(heldOut?.loss ?? train, unitOf(state, run.task.per))} at step {count(step)}
    </span>
  );
}

/** @param {Run} run */
function useThumbnails(run) {
  return useComputed(() => {
    const shown = run.shown.value;
    return shown ? run.task.thumbnails(shown.shape, shown.buffer) : [];
  });
}

/** Milliseconds between two pictures of the current run in the strip, where nobody follows each step. */
const thumbnailEvery = 1000;

/** The current run. @param {{ run: Run }} props */
function Now({ run }) {
  const thumbnail = useSignal(/** @type {Thumbnail | undefined} */ (undefined));
  useEffect(() => {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const take = () => {
      const shown = run.shown.peek();
      [thumbnail.value] = shown ? run.task.thumbnails(shown.shape, shown.buffer) : [];
    };
    const stop = effect(() => {
      if (!run.shown.value) {
        clearTimeout(timer);
        timer = undefined;
        return take();
      }
      timer ??= setTimeout(() => {
        timer = undefined;
        take();
      }, thumbnailEvery);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [run, thumbnail]);
  return thumbnail.value ? <Picture thumbnail={thumbnail.value} /> : null;
}

/** @param {{ thumbnail: Thumbnail, label?: string }} props label: for screen readers; empty: none is needed */
function Picture({ thumbnail, label = '' }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const { width, fills } = thumbnail;
  const height = fills.length / width;
  const latest = useSignal(thumbnail);
  latest.value = thumbnail;
  useDrawing(() => {
    const context = canvas.current?.getContext('2d');
    const { fills } = latest.value;
    if (!context) return;
    fills.forEach((fill, i) => {
      context.fillStyle = fill;
      context.fillRect(i % width, Math.floor(i / width), 1, 1);
    });
  });
  return (
    <canvas
      class="run-picture"
      ref={canvas}
      width={width}
      height={height}
      role={label ? 'img' : undefined}
      aria-label={label || undefined}
      aria-hidden={label ? undefined : 'true'}
    />
  );
}

/** @param {{ run: Run, compared: readonly KeptRun[], state: State }} props */
function Comparison({ run, compared, state }) {
  const now = useThumbnails(run).value;
  const { current, before } = run.words.value;
  const all = [
    {
      name: 'now',
      words: current,
      step: run.step.value,
      per: run.task.per,
      losses: run.losses.value,
      thumbnails: now,
    },
    ...compared.map((one) => ({
      ...one,
      name: `run ${one.number}`,
      words: before[run.runs.value.indexOf(one)],
    })),
  ];
  return (
    <div class="runs-compared">
      {all.map(({ name, words, step, per, losses, thumbnails }) => {
        const unit = unitOf(state, per);
        const { train, heldOut } = lossesAt(losses, step);
        return (
          <section key={name} aria-label={name}>
            <h3>{name}</h3>
            <p>{words}</p>
            {thumbnails.map((thumbnail) => (
              <figure key={thumbnail.name}>
                <Picture thumbnail={thumbnail} label={`${thumbnail.name}, ${name}`} />
                <figcaption>{thumbnail.name}</figcaption>
              </figure>
            ))}
            <dl>
              <dt>Step</dt>
              <dd>{count(step)}</dd>
              <dt>Training loss, {unitName(unit, per)}</dt>
              <dd>{lossText(train, unit)}</dd>
              <dt>Held-out loss</dt>
              <dd>{lossText(heldOut?.loss, unit)}</dd>
            </dl>
          </section>
        );
      })}
    </div>
  );
}
