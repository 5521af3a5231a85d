import { letterOf } from '../colours.js';
import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { gradientReaches } from './counts.js';
import { DenseWay } from './dense-way.jsx';
import scores from './formulas/scores.tex';
import { number } from './heat.js';
import { HyperWay } from './hyper-way.jsx';
import { Formula } from './jacobian.jsx';
import { known } from './known.js';
import { Pull } from './pull.jsx';
import { RouterWeights, weightName } from './router-weights.jsx';
import { weightRows } from './rows.js';
import { Link, WayKey } from './stage.jsx';
import { Tensors } from './tensors.jsx';

/**
 * @typedef {import('./look.js').Look} Look
 * @typedef {import('./router.js').RouterParts} RouterParts
 */

const onlyOne =
  'Now k is 1: the weight of the only expert is always 1, whatever its score, so that no gradient comes through it.';

/**
 * Where the scores of the experts come from, as a diagram that shows every number on request.
 *
 * @param {object} props
 * @param {Look} props.look
 * @param {import('../schema.js').Choice} props.router that the model has
 * @param {number} props.topK of now
 * @param {boolean} props.wide
 * @param {(index: number | null) => void} props.onEmbedding the number of v where the reader is
 */
export function WayView({ look, router, topK, wide, onEmbedding }) {
  const { parts, sizes, layer } = look;
  const { traits = [] } = router;
  const flows = gradientReaches(traits, sizes, topK);
  const caption = known[router.value]?.caption ?? router.help ?? '';
  const { generator = null, scores = null } = parts ?? {};
  const shape = generator ? 'hypernetwork' : parts ? 'plain' : 'dense';
  return (
    <Figure
      title={parts ? `Where the router of layer ${layer + 1} comes from` : `Layer ${layer + 1} has no router`}
      name="way"
      caption={topK === 1 && !flows && parts ? `${caption} ${onlyOne}` : caption}
      table={scores ? () => <WeightTable scores={scores} generator={generator} /> : undefined}
      rows={scores ? () => weightRows(scores, generator) : undefined}
    >
      <WayKey />
      <ol class={`way way-${shape}`} data-router={router.value}>
        {!parts && <DenseWay sizes={sizes} wide={wide} />}
        {parts && generator && scores && (
          <HyperWay
            parts={{ ...parts, generator, scores }}
            flows={flows}
            wide={wide}
            onEmbedding={onEmbedding}
          />
        )}
        {parts && !generator && <PlainWay parts={parts} isKnown={router.value in known} />}
        {parts && <Scores flows={flows} topK={topK} turn={!wide ? 90 : generator ? -90 : 0} />}
      </ol>
    </Figure>
  );
}

/**
 * A router whose R and b are numbers of their own, or of which nothing is known but its tensors.
 *
 * @param {{ parts: RouterParts, isKnown: boolean }} props
 */
function PlainWay({ parts: { tensors, scores, fates, pull }, isKnown }) {
  return (
    <>
      {scores && <RouterWeights scores={scores} fates={fates} />}
      {(pull || !isKnown) && (
        <li class={scores ? 'stage area-pull' : 'stage area-weights'}>
          {pull && scores && (
            <Pull
              kind={pull.of === 'R' ? 'heat-matrix' : 'heat-pull'}
              gradient={pull.gradient}
              of={pull.of}
              nameOf={pull.of === 'R' ? weightName(scores.weight.columns) : biasName}
            />
          )}
          {!isKnown && <Tensors tensors={tensors} />}
        </li>
      )}
    </>
  );
}

/** @param {import('./heat-map.jsx').Cell} cell */
const biasName = ({ column }) => `b, expert ${letterOf(column)}`;

/** @param {{ flows: boolean, topK: number, turn: number }} props flows: whether the gradient does */
function Scores({ flows, topK, turn }) {
  return (
    <>
      <Link
        area="weights-scores"
        turn={turn}
        gradient={flows ? 'flows' : 'ends'}
        says={
          flows
            ? 'R and b give the scores; the gradient comes back through them.'
            : 'R and b give the scores; no gradient comes back to them.'
        }
      />
      <li class="stage area-scores">
        <p class="stage-name">
          <b>
            <i>g</i>
          </b>{' '}
          the scores
        </p>
        <Formula of={scores} />
        <p class="help">
          A token x gets a score from each expert. The {topK === 1 ? 'highest is' : `${topK} highest are`}{' '}
          chosen; the softmax over {topK === 1 ? 'it' : 'these alone'} says how much each counts.
        </p>
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
          <th scope="col">Number</th>
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
