import { colourOf, fillOf, letterOf } from '../colours.js';
import { Chip } from '../views/figure.jsx';
import { curve, edgeWidth, rowMiddle } from './layout.js';

/** @typedef {import('../state.js').State} State */

/**
 * A node of the machine. With `onClick` it is a button that opens what is known of it.
 *
 * @param {object} props
 * @param {import('preact').ComponentChildren} props.children
 * @param {boolean} [props.round]
 * @param {string} [props.title]
 * @param {boolean} [props.open]
 * @param {() => void} [props.onClick]
 */
export function Node({ children, round = false, title, open, onClick }) {
  const style = round ? 'machine-node is-round' : 'machine-node';
  if (!onClick) return <b class={style}>{children}</b>;
  return (
    <button type="button" class={style} title={title} aria-expanded={open} onClick={onClick}>
      {children}
    </button>
  );
}

/**
 * Other layers, before or behind the one that is drawn, with the experts of the same token there; choosing one draws it
 * instead.
 *
 * @param {object} props
 * @param {State} props.state
 * @param {number} props.from counted from 0
 * @param {number} props.to
 * @param {number} props.experts E of what is drawn; the settings may already be those of the next model
 * @param {{ expert: number, weight: number }[][]} props.chosen by layer
 */
export function OtherLayers({ state, from, to, experts, chosen }) {
  if (to <= from) return null;
  return (
    <div class="machine-layers">
      {Array.from({ length: to - from }, (_, i) => from + i).map((layer) => (
        <button
          key={layer}
          type="button"
          class="machine-layer"
          onClick={() => state.set('layer', layer + 1)}
          title={`Show layer ${layer + 1}`}
        >
          <span>
            <span class="unseen">Show </span>layer {layer + 1}
          </span>
          <span class="machine-layer-experts" aria-hidden="true">
            {(chosen[layer] ?? []).slice(0, 3).map(({ expert }) => (
              <Chip key={expert} letter={letterOf(expert)} {...fillOf(expert, experts, 1)} />
            ))}
          </span>
        </button>
      ))}
    </div>
  );
}

/**
 * Thin lines from the router to every expert; what the token sends is drawn in the experts' colours, as wide as the
 * weight. Pressing a line opens what is known of it, as its number beside the expert does.
 *
 * @param {object} props
 * @param {import('./layout.js').Columns} props.columns
 * @param {(number | undefined)[]} props.weights [E]
 * @param {number} props.rows
 * @param {boolean} props.shared
 * @param {(expert: number) => void} props.onEdge
 */
export function Edges({ columns, weights, rows, shared, onEdge }) {
  const { input, router, experts, sum, output } = columns;
  const middle = 0.5;
  const edges = weights.map((weight, expert) => {
    const y = rowMiddle(expert, rows);
    return {
      expert,
      weight,
      into: curve({ x: router[1], y: middle }, { x: experts[0], y }),
      // Behind the expert, level, and on.
      out: `H${experts[1] * 1000}${curve({ x: experts[1], y }, { x: sum[0], y: middle }).replace('M', 'L')}`,
    };
  });
  const y = rowMiddle(rows - 1, rows);
  const level = (/** @type {number} */ from, /** @type {number} */ to) =>
    curve({ x: from, y: middle }, { x: to, y: middle });
  return (
    <svg class="machine-edges" viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">
      <path class="edge-always" d={level(input[1], router[0])} />
      <path
        class={output ? 'edge-always' : 'edge-always edge-to-map'}
        d={level(sum[1], output ? output[0] : 1.1)}
      />
      {edges.map(({ expert, into }) => (
        <path key={expert} class="edge-idle" d={into} />
      ))}
      {shared && (
        <path
          class="edge-always"
          d={`${curve({ x: input[1], y: middle }, { x: experts[0], y })}H${experts[1] * 1000}${curve({ x: experts[1], y }, { x: sum[0], y: middle }).replace('M', 'L')}`}
        />
      )}
      {edges
        .filter(({ weight }) => weight !== undefined)
        .map(({ expert, weight, into, out }) => (
          <path
            key={expert}
            class={weight === 0 ? 'edge-dropped' : 'edge-chosen'}
            // What an expert drops does not come out of it.
            d={weight === 0 ? into : into + out}
            stroke={colourOf(expert)}
            stroke-width={edgeWidth(weight)}
          />
        ))}
      {edges.map(({ expert, into, out }) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: the button with its weight does the same
        <path key={expert} class="edge-hit" d={into + out} onClick={() => onEdge(expert)} />
      ))}
    </svg>
  );
}

/**
 * One expert: what it is about, its load, and what the token gives it.
 *
 * @param {object} props
 * @param {number} props.expert
 * @param {number} props.experts
 * @param {number | undefined} props.weight
 * @param {string} props.score of the router
 * @param {string} [props.scoreIs] what it is
 * @param {number} props.load
 * @param {string} [props.bias] β
 * @param {boolean} props.pressed
 * @param {string} props.said in words, for screen readers
 * @param {string} props.title
 * @param {() => void} props.onPress
 * @param {boolean} props.edgeOpen
 * @param {() => void} props.onEdge
 * @param {import('preact').ComponentChildren} props.children what it is about
 */
export function Expert(props) {
  const { expert, experts, weight, score, scoreIs = 'logit', load, bias } = props;
  const { pressed, said, title, onPress, edgeOpen, onEdge } = props;
  const letter = letterOf(expert);
  // A full bar is twice an even load; the line in its middle is an even one.
  const filled = Math.min(1, (load * experts) / 2);
  const chosen = weight !== undefined;
  return (
    <li class={chosen ? 'machine-expert is-chosen' : 'machine-expert'}>
      <button type="button" class="machine-tile" aria-pressed={pressed} title={title} onClick={onPress}>
        <Chip letter={letter} {...fillOf(expert, experts, 1)} />
        {props.children}
        <span class="unseen">{said}</span>
      </button>
      <span class="machine-load" aria-hidden="true">
        <i style={{ height: `${(100 * filled).toFixed(1)}%`, background: colourOf(expert) }} />
      </span>
      <button
        type="button"
        class="machine-weight"
        aria-expanded={edgeOpen}
        title={`The router’s ${scoreIs} for expert ${letter}, and the weight that the gate gives it`}
        onClick={onEdge}
      >
        <span class="unseen">Edge to expert {letter}: </span>
        <span>{chosen && (weight === 0 ? 'dropped' : `${Math.round(weight * 100)} %`)}</span>
        <span class="machine-scores">
          <small title={scoreIs}>{score}</small>
          {bias !== undefined && <small>β {bias}</small>}
        </span>
      </button>
    </li>
  );
}
