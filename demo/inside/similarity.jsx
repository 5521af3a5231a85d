import { useMemo } from 'preact/hooks';
import { letterOf } from '../colours.js';
import { fixed } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { reaches } from './heat.js';
import { HeatMap } from './heat-map.jsx';
import { Line } from './line.jsx';
import { rowSimilarity } from './router.js';
import { ExpertNames } from './router-weights.jsx';
import { cosineRows } from './rows.js';

/**
 * The similarity of the rows of R: experts with similar rows compete for the same tokens.
 *
 * @param {object} props
 * @param {import('./router.js').Matrix} props.weight R
 * @param {readonly import('./trajectory.js').TrajectoryPoint[]} props.trajectory
 * @param {number} props.now the step that is shown
 */
export function SimilarityView({ weight, trajectory, now }) {
  const { cosines, mean } = useMemo(() => rowSimilarity(weight), [weight]);
  const experts = cosines.rows;
  if (mean === null) {
    return (
      <Figure title="Similarity of the rows of R" name="similarity">
        <p class="nothing">There is only one expert</p>
      </Figure>
    );
  }
  const pairs = (experts * (experts - 1)) / 2;
  const fact = `Mean over ${pairs} ${pairs === 1 ? 'pair' : 'pairs'}: ${fixed(mean)}.`;
  return (
    <Figure
      title="Similarity of the rows of R"
      name="similarity"
      caption="Cosine between the rows of two experts: 1, both score tokens alike; 0, unrelated; −1, opposite."
      table={() => <CosineTable cosines={cosines} />}
      rows={() => cosineRows(cosines)}
    >
      <div class="similarity">
        <ExpertNames experts={experts} />
        <HeatMap
          kind="heat-square"
          matrix={cosines}
          reach={reaches.cosine}
          label={`Cosines between the rows of R. ${fact} ${extremes(cosines)}`}
          nameOf={({ row, column }) => `${letterOf(row)} and ${letterOf(column)}`}
        />
        <ExpertNames experts={experts} />
      </div>
      <p class="figure-fact">{fact} Over the run:</p>
      <Line
        steps={trajectory.map(({ step }) => step)}
        values={trajectory.map(({ similarity }) => similarity ?? 0)}
        range={[-0.25, 0.25]}
        now={now}
        label={`Mean cosine of the rows of R over the steps. ${fact}`}
      />
    </Figure>
  );
}

/** @param {import('./router.js').Matrix} cosines */
function extremes({ columns, data }) {
  let [low, high] = [-1, -1];
  data.forEach((x, i) => {
    if (Number.isNaN(x)) return;
    if (low < 0 || x < data[low]) low = i;
    if (high < 0 || x > data[high]) high = i;
  });
  const words = (/** @type {number} */ i) =>
    `${letterOf(Math.floor(i / columns))} and ${letterOf(i % columns)} (${fixed(data[i])})`;
  return `Most similar: ${words(high)}; least similar: ${words(low)}.`;
}

/** @param {{ cosines: import('./router.js').Matrix }} props */
function CosineTable({ cosines: { rows, columns, data } }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Expert</th>
          {Array.from({ length: columns - 1 }, (_, column) => (
            <th scope="col" key={column}>
              {letterOf(column)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {Array.from({ length: rows - 1 }, (_, i) => (
          <tr key={i}>
            <th scope="row">{letterOf(i + 1)}</th>
            {Array.from({ length: columns - 1 }, (_, column) => (
              <td key={column}>{column <= i ? fixed(data[(i + 1) * columns + column]) : ''}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
