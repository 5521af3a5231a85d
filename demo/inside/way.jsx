import { letterOf } from '../colours.js';
import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { gradientReaches } from './counts.js';
import { DenseWay } from './dense-way.jsx';
import { Formula } from './formula.jsx';
import scores from './formulas/scores.tex';
import { HyperWay } from './hyper-way.jsx';
import { Pull } from './pull.jsx';
import { number } from './reading.js';
import { RouterWeights, weightName } from './router-weights.jsx';
import { weightRows } from './rows.js';
import { Link, WayKey } from './stage.jsx';

/**
 * @typedef {import('./look.js').Look} Look
 * @typedef {import('./router.js').RouterParts} RouterParts
 */

/** @type {Record<string, string>} */
const captions = {
  hyperrouter:
    'Only the vector v is learned. Two frozen layers of random numbers, the hypernetwork, turn it into R and b, which ' +
    'give every expert its score. The gradient passes back through the frozen layers, leaves them as they are, and moves v.',
  smoe:
    'Every number of R and b is learned, together with the experts. The gradient comes through the weights of the chosen ' +
    'experts, straight into their rows.',
  'smoe-dropout':
    'R and b were drawn at random once and stay as they are. No gradient reaches them: the experts have to come to terms ' +
    'with what they are sent.',
  dense:
    'There is nothing to decide here: one network, as wide as all experts together, takes everything. Choose another ' +
    'router to look into it.',
};

const onlyOne =
  'Now k is 1: the weight of the only expert is always 1, whatever its score, so that no gradient comes through it.';

/**
 * Where the scores of the experts come from, as a diagram that shows every number on request.
 *
 * @param {object} props
 * @param {Look} props.look
 * @param {number} props.topK of now
 * @param {boolean} props.wide
 * @param {(index: number | null) => void} props.onEmbedding the number of v where the reader is
 */
export function WayView({ look, topK, wide, onEmbedding }) {
  const { parts, sizes, layer } = look;
  const kind = parts?.kind ?? 'dense';
  const flows = gradientReaches(sizes, topK);
  return (
    <Figure
      title={parts ? `Where the router of layer ${layer + 1} comes from` : `Layer ${layer + 1} has no router`}
      name="way"
      caption={topK === 1 && !flows && kind !== 'dense' ? `${captions[kind]} ${onlyOne}` : captions[kind]}
      table={parts ? () => <WeightTable parts={parts} /> : undefined}
      rows={parts ? () => weightRows(parts) : undefined}
    >
      <WayKey />
      <ol class={`way way-${kind}`}>
        {!parts && <DenseWay sizes={sizes} wide={wide} />}
        {parts?.generator && (
          <HyperWay
            parts={{ ...parts, generator: parts.generator }}
            flows={flows}
            wide={wide}
            onEmbedding={onEmbedding}
          />
        )}
        {parts && !parts.generator && <PlainWay parts={parts} />}
        {parts && <Scores flows={flows} topK={topK} turn={!wide ? 90 : parts.generator ? -90 : 0} />}
      </ol>
    </Figure>
  );
}

/** @param {{ parts: RouterParts }} props of a router whose R and b are numbers of their own */
function PlainWay({ parts }) {
  return (
    <>
      <RouterWeights parts={parts} fate={parts.kind === 'smoe' ? 'learned' : 'frozen'} />
      {parts.gradient && (
        <li class="stage area-pull">
          <Pull
            kind="heat-matrix"
            gradient={parts.gradient}
            of="R"
            nameOf={weightName(parts.weight.columns)}
          />
        </li>
      )}
    </>
  );
}

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

/** @param {{ parts: RouterParts }} props */
function WeightTable({ parts: { weight, bias, generator } }) {
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
