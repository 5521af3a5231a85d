import recording from 'virtual:opening';
import { useComputed } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { count, fixed, percent } from '../format.js';
import { createTile, drawLines, drawMarks, prepare } from '../plane/draw.js';
import { reach } from '../plane/geometry.js';
import { zeroLines } from '../plane/lines.js';
import { paintClasses, paintWeights } from '../plane/pixels.js';
import { columns, tracksOf } from '../stage/layout.js';
import { Edges, Expert, Node } from '../stage/parts.jsx';
import { placesLegend } from '../stage/words.js';
import { onResize } from '../views/canvas.js';
import { RoomLinks } from '../views/room-links.jsx';
import { RunButtons } from '../views/run-buttons.jsx';
import { classesSize, momentBy, territorySize, unpack } from './recording.js';

/** @typedef {import('./recording.js').RecordedMoment} RecordedMoment */

const { experts } = recording;

/** Nothing can be pressed yet. */
const nothing = () => {};

/** Pixels per side of an expert's map. */
const tileSide = 96;

/**
 * The recorded moments, while the engine loads: what the room draws of them, in the places where it will draw it. Nothing
 * can be pressed yet but the way to the rooms.
 *
 * @param {{ opening: import('./opening.js').Opening }} props
 */
export function OpeningView({ opening }) {
  useEffect(() => {
    let frame = requestAnimationFrame(function onFrame() {
      opening.onFrame();
      frame = requestAnimationFrame(onFrame);
    });
    return () => cancelAnimationFrame(frame);
  }, [opening]);
  const moment = useComputed(() => momentBy(recording.moments, opening.step.value)).value;
  const step = useComputed(() => count(opening.step.value));
  return (
    <>
      <div class="top">
        <RoomLinks current="plane" />
        <div class="lessons-entry">
          <button type="button" disabled>
            Lessons
          </button>
        </div>
      </div>
      <section class="opening" aria-label="A run">
        <div class="transport" inert>
          <div class="transport-bar">
            <RunButtons
              status="building"
              running
              start={nothing}
              pause={nothing}
              oneStep={nothing}
              reset={nothing}
            />
            <dl class="facts-row">
              <div>
                <dt>Step</dt>
                <dd>{step}</dd>
              </div>
              <div>
                <dt>Held-out accuracy</dt>
                <dd>{percent(moment.accuracy)}</dd>
              </div>
            </dl>
          </div>
        </div>
        <div class="status">
          <p role="status">Loading the engine. A recording plays until then.</p>
        </div>
        <div class="columns columns-plane" inert>
          <div class="column machine-stage">
            <Machine moment={moment} />
            <section class="figure figure-decision">
              <div class="figure-head">
                <h2>Predicted class</h2>
              </div>
              <p class="accuracy">
                Accuracy: held-out <b>{percent(moment.accuracy)}</b>
              </p>
              <div class="map">
                <span class="map-y">
                  <span>{reach}</span>
                  <span>y</span>
                  <span>−{reach}</span>
                </span>
                <div class="map-plate">
                  <Picture name="map-canvas" moment={moment} draw={drawClasses} />
                </div>
                <span class="map-x">
                  <span>−{reach}</span>
                  <span>x</span>
                  <span>{reach}</span>
                </span>
              </div>
            </section>
          </div>
        </div>
      </section>
    </>
  );
}

/** @param {{ moment: RecordedMoment }} props */
function Machine({ moment }) {
  const weights = moment.weights.map((weight) => weight ?? undefined);
  const all = unpack(moment.territories);
  const places = territorySize ** 2;
  return (
    <section class="machine">
      <div class="machine-plate" style={{ gridTemplateColumns: tracksOf(columns) }}>
        <Edges {...{ columns, weights }} rows={experts} shared={false} onEdge={nothing} />
        <p class="machine-legend">{placesLegend}</p>
        <div class="machine-column machine-input">
          <Node round>x</Node>
          <small>0.00, 0.00</small>
        </div>
        <div class="machine-column machine-router">
          <Node>
            R<small>{recording.router}</small>
          </Node>
          <small class="machine-gate">{recording.gate}</small>
        </div>
        <ol
          class="machine-column machine-experts"
          style={{ gridTemplateRows: `repeat(${experts}, minmax(0, 1fr))` }}
        >
          {weights.map((weight, expert) => (
            <Expert
              key={expert}
              {...{ expert, experts, weight }}
              load={moment.load[expert]}
              score={fixed(moment.logits[expert])}
              pressed={false}
              said=""
              title=""
              onPress={nothing}
              edgeOpen={false}
              onEdge={nothing}
            >
              <Picture
                name="territory-map"
                moment={moment}
                draw={(canvas) =>
                  drawTerritory(canvas, expert, all.subarray(expert * places, (expert + 1) * places))
                }
              />
            </Expert>
          ))}
        </ol>
        <div class="machine-column machine-sum">
          <Node round>Σ</Node>
        </div>
      </div>
      <p class="machine-words">Loading…</p>
    </section>
  );
}

/**
 * @param {object} props
 * @param {string} props.name of its class
 * @param {RecordedMoment} props.moment
 * @param {(canvas: HTMLCanvasElement, moment: RecordedMoment) => void} props.draw
 */
function Picture({ name, moment, draw }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const seen = useRef(true);
  const latest = useRef(() => {});
  latest.current = () => {
    if (canvas.current && seen.current) draw(canvas.current, moment);
  };
  useLayoutEffect(() => latest.current(), [moment]);
  // Width and place are told before it is first seen; to ask for them would lay out the page in every picture. On a phone,
  // the map is below what is in sight.
  const hold = useMemo(() => {
    const look = (/** @type {boolean} */ isSeen) => {
      seen.current = isSeen;
      latest.current();
    };
    const watching = onResize((element) => look(element.getBoundingClientRect().top < innerHeight));
    const observer = new IntersectionObserver((entries) => look(entries[entries.length - 1].isIntersecting));
    return (/** @type {HTMLCanvasElement | null} */ element) => {
      canvas.current = element;
      if (!element) return undefined;
      observer.observe(element);
      const end = watching(element);
      return () => {
        observer.disconnect();
        end?.();
      };
    };
  }, []);
  return <canvas ref={hold} class={name} width={tileSide} height={tileSide} />;
}

const [territoryTile, classesTile] = [createTile(), createTile()];

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} expert
 * @param {Float32Array} weights
 */
function drawTerritory(canvas, expert, weights) {
  const context = canvas.getContext('2d');
  if (!context) return;
  territoryTile(context, { side: tileSide, size: territorySize, smooth: true }, (pixels) =>
    paintWeights(pixels, weights, { expert, experts }),
  );
}

const points = {
  targets: Int32Array.from(recording.points.classes, Number),
  inputs: Float32Array.from(
    recording.points.places,
    (share, i) => (i % 2 ? -1 : 1) * ((share / 500) * reach - reach),
  ),
};

/** @param {HTMLCanvasElement} canvas @param {RecordedMoment} moment */
function drawClasses(canvas, moment) {
  const on = prepare(canvas);
  if (!on) return;
  const shares = unpack(moment.classes);
  const both = Float32Array.from({ length: 2 * shares.length }, (_, i) =>
    i % 2 ? shares[i >> 1] : 1 - shares[i >> 1],
  );
  const shape = { ...on, size: classesSize };
  classesTile(on.context, { ...shape, smooth: true }, (pixels) => paintClasses(pixels, both, 2));
  drawLines(on.context, { ...shape, width: 2 }, (draw) =>
    zeroLines(
      shares.map((share) => share - 0.5),
      classesSize,
      draw,
    ),
  );
  drawMarks(on.context, on, { all: points, train: recording.points.train });
}
