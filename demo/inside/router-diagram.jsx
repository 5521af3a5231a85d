import { letterOf } from '../colours.js';
import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { gradientReaches } from './counts.js';
import { DenseDiagram } from './dense-diagram.jsx';
import { DiagramKey, Link } from './diagram.jsx';
import logitsMatrix from './formulas/logits-matrix.tex';
import { GradientRow } from './gradient-row.jsx';
import { number } from './heat.js';
import { HypernetworkDiagram } from './hypernetwork-diagram.jsx';
import { Formula } from './jacobian.jsx';
import { known } from './known.js';
import { knownGates, uniformGate } from './known-gates.js';
import { RouterWeights, weightName } from './router-weights.jsx';
import { weightRows } from './rows.js';
import { Tensors } from './tensors.jsx';

/**
 * @typedef {import('./inspection.js').Inspection} Inspection
 * @typedef {import('./router.js').RouterParts} RouterParts
 */

const onlyOne =
  'With this gate, k = 1 teaches the router nothing: the only weight is always 1, and no gradient flows through it. ' +
  'Gates whose weights do not sum to 1 teach it.';
const noGradient =
  'This gate teaches the router nothing: no gradient flows from its weights to the router logits.';

/**
 * A diagram of how the experts’ scores are computed; every value can be inspected.
 *
 * @param {object} props
 * @param {Inspection} props.inspection
 * @param {import('../schema.js').Choice} props.router of the model
 * @param {import('../schema.js').Choice} [props.gate] of the model
 * @param {number} props.topK current k
 * @param {boolean} props.wide
 * @param {(index: number | null) => void} props.onEmbedding called with the selected component of v
 */
export function RouterDiagram({ inspection, router, gate, topK, wide, onEmbedding }) {
  const { parts, sizes, layer } = inspection;
  const { traits = [] } = router;
  const { traits: ofGate = [] } = gate ?? {};
  const flows = gradientReaches([...traits, ...ofGate], sizes, topK);
  const dry = ofGate.includes('differentiable') ? onlyOne : noGradient;
  const caption = known[router.value]?.caption ?? router.help ?? '';
  const { generator = null, scores = null } = parts ?? {};
  const shape = generator ? 'hypernetwork' : parts ? 'plain' : 'dense';
  return (
    <Figure
      title={parts ? `Router diagram (layer ${layer + 1})` : `No router (layer ${layer + 1})`}
      name="router-diagram"
      caption={traits.includes('learns') && !flows ? `${caption} ${dry}` : caption}
      table={scores ? () => <WeightTable scores={scores} generator={generator} /> : undefined}
      rows={scores ? () => weightRows(scores, generator) : undefined}
    >
      <DiagramKey />
      <ol class={`router-diagram router-diagram-${shape}`} data-router={router.value}>
        {!parts && <DenseDiagram sizes={sizes} wide={wide} />}
        {parts && generator && scores && (
          <HypernetworkDiagram
            parts={{ ...parts, generator, scores }}
            flows={flows}
            wide={wide}
            onEmbedding={onEmbedding}
          />
        )}
        {parts && !generator && <PlainDiagram parts={parts} isKnown={router.value in known} />}
        {parts && (
          <Scores
            logits={traits.includes('matrix') ? logitsMatrix : known[router.value]?.logits}
            gate={traits.includes('gated') ? knownGates[sizes.gate] : uniformGate}
            flows={flows}
            turn={!wide ? 90 : generator ? -90 : 0}
          />
        )}
      </ol>
    </Figure>
  );
}

/**
 * A router whose R and b are tensors, or which is known only by its tensors.
 *
 * @param {{ parts: RouterParts, isKnown: boolean }} props
 */
function PlainDiagram({ parts: { tensors, scores, roles, gradient }, isKnown }) {
  return (
    <>
      {scores && <RouterWeights scores={scores} roles={roles} />}
      {(gradient || !isKnown || !scores) && (
        <li class={scores ? 'stage area-gradient' : 'stage area-weights'}>
          {gradient && scores && (
            <GradientRow
              kind={gradient.of === 'R' ? 'heat-matrix' : 'heat-gradient'}
              gradient={gradient.values}
              of={gradient.of}
              nameOf={gradient.of === 'R' ? weightName(scores.weight.columns) : biasName}
            />
          )}
          {(!isKnown || !scores) && <Tensors tensors={tensors} />}
        </li>
      )}
    </>
  );
}

/** @param {import('./heat-map.jsx').Cell} cell */
const biasName = ({ column }) => `b, expert ${letterOf(column)}`;

/**
 * @param {object} props
 * @param {string} [props.logits] their formula
 * @param {import('./known-gates.js').KnownGate} [props.gate]
 * @param {boolean} props.flows whether the gradient flows
 * @param {number} props.turn of the arrow
 */
function Scores({ logits, gate, flows, turn }) {
  return (
    <>
      <Link
        area="weights-scores"
        turn={turn}
        gradient={flows ? 'flows' : 'ends'}
        says={
          flows
            ? 'The router gives the scores; the gradient flows back to it.'
            : 'The router gives the scores; no gradient flows back to it.'
        }
      />
      <li class="stage area-scores">
        <p class="stage-name">
          <b>
            <i>g</i>
          </b>{' '}
          scores
        </p>
        {logits && <Formula of={logits} />}
        <p class="help">
          Each expert has a score for the token x. The gate makes experts K and weights s of them:
        </p>
        {gate && <Formula of={gate.weights} />}
      </li>
    </>
  );
}

/**
 * @param {object} props
 * @param {import('./router.js').Linear} props.scores
 * @param {import('./router.js').Generator | null} props.generator
 */
function WeightTable({ scores: { weight, bias }, generator }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Column</th>
          {generator && <th scope="col">v</th>}
          {Array.from({ length: weight.rows }, (_, expert) => (
            <th scope="col" key={expert}>
              R, {letterOf(expert)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {Array.from({ length: weight.columns }, (_, i) => (
          <tr key={i}>
            <th scope="row">{count(i + 1)}</th>
            {generator && <td>{number(generator.embedding.data[i])}</td>}
            {Array.from({ length: weight.rows }, (_, expert) => (
              <td key={expert}>{number(weight.data[expert * weight.columns + i])}</td>
            ))}
          </tr>
        ))}
        <tr>
          <th scope="row">b</th>
          {generator && <td />}
          {Array.from(bias.data, (x, expert) => (
            <td key={expert}>{number(x)}</td>
          ))}
        </tr>
      </tbody>
    </table>
  );
}
