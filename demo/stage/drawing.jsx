import { useSignal } from '@preact/signals';
import { letterOf } from '../colours.js';
import { fixed, percent } from '../format.js';
import { gatingOf } from '../gates.js';
import { Facts, Known, RouterKnown, SharedKnown, SumKnown } from './known.jsx';
import { tracksOf } from './layout.js';
import { Edges, Expert, Node, OtherLayers } from './parts.jsx';
import { chosenOf, edgeFacts, signed, sumWords, weightWords } from './token.js';
import { labelOf, looksUp } from './words.js';

/**
 * The model as a machine, live: a token goes through the router to its experts, whose outputs are added up. Rooms say what
 * goes in, what an expert is about, and what comes out.
 *
 * @param {object} props
 * @param {import('../state.js').State} props.state
 * @param {import('./layout.js').Columns} props.columns
 * @param {string} [props.kind] class of its own
 * @param {number} props.layer that is drawn, counted from 0
 * @param {import('./token.js').Routed[]} props.tokens the same token in each layer with a router
 * @param {number[] | Float32Array} props.load [E] of the layer
 * @param {number[] | undefined} props.biases β [E] of the layer
 * @param {string} props.words where the token goes, in words
 * @param {import('preact').ComponentChildren} props.input
 * @param {(expert: number) => import('preact').ComponentChildren} props.about what an expert is about, small
 * @param {(expert: number) => import('preact').ComponentChildren} props.knownOf what else is known of an expert
 * @param {(expert: number) => boolean} props.isPressed whether an expert is shown alone
 * @param {(expert: number) => void} props.press
 * @param {string} props.pressWords what pressing an expert does
 * @param {string} [props.legend] what the drawing shows, for who sees it first
 * @param {import('preact').ComponentChildren} [props.output] in a column of its own if there is one, otherwise below
 */
export function Drawing(props) {
  const { state, columns, kind = '', layer, tokens, load, biases, words, isPressed, press } = props;
  const open = useSignal(/** @type {import('./known.jsx').Part | null} */ (null));
  const token = tokens[layer];
  const { weights, logits } = token;
  const experts = weights.length;
  const shared = Number(state.get('sharedExperts'));
  const rows = experts + (shared > 0 ? 1 : 0);
  const { chosen: gated, softmaxFirst } = gatingOf(state.schema, state.values.value);
  const fromTable = looksUp(state);
  const facts = (/** @type {number} */ expert) => edgeFacts(token, expert, biases?.[expert], fromTable);
  const chosen = tokens.map((each) => chosenOf(each.weights));
  const isOpen = (/** @type {string} */ part, /** @type {number} */ expert = -1) =>
    open.value?.part === part && (!('expert' in open.value) || open.value.expert === expert);
  const toggle = (/** @type {import('./known.jsx').Part} */ part) => {
    open.value = isOpen(part.part, 'expert' in part ? part.expert : -1) ? null : part;
  };
  const onEdge = (/** @type {number} */ expert) => toggle({ part: 'edge', expert });
  const onExpert = (/** @type {number} */ expert) => {
    const was = isPressed(expert);
    press(expert);
    open.value = was ? null : { part: 'expert', expert };
  };
  return (
    <section
      class={`machine ${kind}`.trim()}
      aria-label={`The model, layer ${layer + 1}`}
      onKeyDown={(event) => {
        if (event.key === 'Escape') open.value = null;
      }}
    >
      <div class="machine-plate" style={{ gridTemplateColumns: tracksOf(columns) }}>
        <Edges {...{ columns, weights, rows, onEdge }} shared={shared > 0} />
        {props.legend && layer === 0 && <p class="machine-legend">{props.legend}</p>}
        <div class="machine-column machine-input">{props.input}</div>
        <div class="machine-column machine-router">
          <OtherLayers {...{ state, experts }} from={0} to={layer} chosen={chosen} />
          <Node
            title="What the router says of this token"
            open={isOpen('router')}
            onClick={() => toggle({ part: 'router' })}
          >
            {fromTable ? <TableSign /> : 'R'}
            <small>{labelOf(state, 'router')}</small>
          </Node>
          {gated && (
            <small class="machine-gate">
              {labelOf(state, 'gate')}
              {softmaxFirst && <span>{sumWords(weights)}</span>}
            </small>
          )}
        </div>
        <ol
          class={experts > 8 ? 'machine-column machine-experts is-many' : 'machine-column machine-experts'}
          style={{ gridTemplateRows: `repeat(${rows}, minmax(0, 1fr))` }}
        >
          {weights.map((weight, expert) => (
            <Expert
              key={expert}
              {...{ expert, experts, weight, load: load[expert] ?? 0 }}
              score={fixed(logits[expert])}
              scoreIs={fromTable ? 'table entry' : 'logit'}
              bias={biases && signed(biases[expert])}
              pressed={isPressed(expert)}
              said={saidOf(expert, weight, load[expert] ?? 0, biases?.[expert])}
              title={`${saidOf(expert, weight, load[expert] ?? 0, biases?.[expert])}. ${props.pressWords}`}
              onPress={() => onExpert(expert)}
              edgeOpen={isOpen('edge', expert)}
              onEdge={() => onEdge(expert)}
            >
              {props.about(expert)}
            </Expert>
          ))}
          {shared > 0 && (
            <li class="machine-expert is-shared">
              <button
                type="button"
                class="machine-shared"
                aria-expanded={isOpen('shared')}
                onClick={() => toggle({ part: 'shared' })}
              >
                {kind ? 'shared: always' : 'always'}
              </button>
              <span class="machine-weight">shared</span>
            </li>
          )}
        </ol>
        <div class="machine-column machine-sum">
          <Node round title="What is added up" open={isOpen('sum')} onClick={() => toggle({ part: 'sum' })}>
            Σ
          </Node>
          <OtherLayers {...{ state, experts }} from={layer + 1} to={tokens.length} chosen={chosen} />
        </div>
        {columns.output && <div class="machine-column machine-output">{props.output}</div>}
        {open.value && (
          <Known
            title={titleOf(open.value)}
            low={'expert' in open.value ? open.value.expert < rows / 2 : true}
            close={() => {
              open.value = null;
            }}
          >
            {open.value.part === 'router' && <RouterKnown state={state} token={token} gated={gated} />}
            {open.value.part === 'sum' && <SumKnown token={token} shared={shared} />}
            {open.value.part === 'shared' && <SharedKnown shared={shared} />}
            {open.value.part === 'edge' && <Facts facts={facts(open.value.expert)} />}
            {open.value.part === 'expert' && (
              <>
                <Facts
                  facts={[
                    ['Load', `${percent(load[open.value.expert] ?? 0)}; even: ${percent(1 / experts)}`],
                    ...facts(open.value.expert),
                  ]}
                />
                {props.knownOf(open.value.expert)}
              </>
            )}
          </Known>
        )}
      </div>
      {!columns.output && props.output}
      <p class="machine-words">{words}</p>
    </section>
  );
}

/** @param {import('./known.jsx').Part} part */
function titleOf(part) {
  switch (part.part) {
    case 'expert':
      return `Expert ${letterOf(part.expert)}`;
    case 'edge':
      return `Edge to expert ${letterOf(part.expert)}`;
    case 'router':
      return 'Router';
    case 'shared':
      return 'Shared experts';
    default:
      return 'Weighted sum';
  }
}

/** A router that looks up the token's id in a table. */
const TableSign = () => (
  <svg class="machine-table" viewBox="0 0 24 18" width="24" height="18" aria-label="table" role="img">
    <path d="M1 1h22v16H1zM1 6.5h22M1 12h22M8.3 1v16M15.7 1v16" />
  </svg>
);

/**
 * @param {number} expert
 * @param {number | undefined} weight
 * @param {number} load
 * @param {number | undefined} bias
 */
const saidOf = (expert, weight, load, bias) =>
  [
    `expert ${letterOf(expert)}`,
    weight === undefined ? 'not chosen here' : `${weight ? 'weight ' : ''}${weightWords(weight)} here`,
    `${percent(load)} of the load`,
    ...(bias === undefined ? [] : [`β ${signed(bias)}`]),
  ].join(', ');

/**
 * In the machine's place where nothing is routed.
 *
 * @param {object} props
 * @param {string} props.reason
 * @param {string} props.words
 * @param {string} [props.kind]
 * @param {import('preact').ComponentChildren} [props.output]
 */
export function NoRouter({ reason, words, kind = '', output }) {
  return (
    <section class={`machine is-dense ${kind}`.trim()} aria-label="The model">
      <div class="machine-plate">
        <p class="nothing">{reason}</p>
        {output && <div class="machine-output">{output}</div>}
      </div>
      <p class="machine-words">{words}</p>
    </section>
  );
}
