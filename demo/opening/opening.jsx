import recording from 'virtual:opening';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { classInks, classTints, colourOf, mix, paper, tie } from '../colours.js';
import { count, percent } from '../format.js';
import { classesSize, momentBy, ownersSize, placeOf } from './recording.js';

/** Pixels per side of the pictures. */
const side = 512;

/** The colours of places by their code. */
const ownerFills = Object.fromEntries(
  [...new Set(recording.moments.map(({ owners }) => owners).join(''))].map((code) => {
    const place = placeOf(code);
    return [code, place ? mix(paper, colourOf(place.expert), place.sure ? 1 : 0.55) : tie];
  }),
);
const classFills = Array.from({ length: 10 }, (_, share) => mix(classTints[0], classTints[1], share / 9));

/**
 * The recorded moments, while the engine loads.
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
  const moment = momentBy(recording.moments, opening.step.value);
  const said = `Step ${count(opening.step.value)}. Held-out accuracy ${percent(moment.accuracy)}.`;
  return (
    <section class="opening" aria-label="A run">
      <div class="status">
        <p aria-hidden="true">{said}</p>
        <p role="status" class="unseen">
          Loading the engine. A recorded run is shown.
        </p>
      </div>
      <div class="opening-maps">
        <Picture title="Chosen expert" moment={moment} draw={drawOwners} />
        <Picture title="Predicted class" moment={moment} draw={drawClasses} />
      </div>
    </section>
  );
}

/**
 * @param {object} props
 * @param {string} props.title
 * @param {import('./recording.js').RecordedMoment} props.moment
 * @param {(context: CanvasRenderingContext2D, moment: import('./recording.js').RecordedMoment) => void} props.draw
 */
function Picture({ title, moment, draw }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (context) draw(context, moment);
  }, [moment, draw]);
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <canvas ref={canvas} width={side} height={side} role="img" aria-label={`Map: ${title.toLowerCase()}`} />
    </figure>
  );
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {import('./recording.js').RecordedMoment} moment
 */
function drawOwners(context, { owners }) {
  const cell = side / ownersSize;
  [...owners].forEach((code, at) => {
    context.fillStyle = ownerFills[code];
    context.fillRect((at % ownersSize) * cell, Math.floor(at / ownersSize) * cell, cell, cell);
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {import('./recording.js').RecordedMoment} moment
 */
function drawClasses(context, { classes }) {
  const cell = side / classesSize;
  [...classes].forEach((code, at) => {
    context.fillStyle = classFills[Number(code)];
    context.fillRect((at % classesSize) * cell, Math.floor(at / classesSize) * cell, cell, cell);
  });
  drawPoints(context);
}

/** @param {CanvasRenderingContext2D} context */
function drawPoints(context) {
  const { classes, places } = recording.points;
  const size = side / 80;
  [...classes].forEach((id, i) => {
    const [x, y] = [places[2 * i], places[2 * i + 1]].map((share) => (share / 100) * side);
    context.fillStyle = classInks[Number(id)];
    context.beginPath();
    if (id === '0') context.arc(x, y, size, 0, 2 * Math.PI);
    else for (const [dx, dy] of triangle) context.lineTo(x + size * dx, y + size * dy);
    context.fill();
  });
}

/** As the mark of the second class on the maps. */
const triangle = [
  [0, -1.2],
  [1.15, 0.85],
  [-1.15, 0.85],
];
