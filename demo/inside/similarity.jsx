import { letterOf } from '../colours.js';
import { Figure } from '../views/figure.jsx';
import { heatOf } from './heat.js';
import { rowSimilarity } from './router.js';

/**
 * How alike the rows of R are: experts whose rows point the same way are chosen for the same tokens.
 *
 * @param {{ parts: import('./router.js').RouterParts }} props
 */
export function SimilarityView({ parts }) {
  const { cosines, mean } = rowSimilarity(parts.weight);
  const experts = cosines.length;
  return (
    <Figure
      title="How alike the experts’ rows are"
      name="similarity"
      caption={
        'Cosine between the rows of R: 1, two experts want the same tokens; −1, the opposite; 0, nothing to do with each other.'
      }
    >
      <div class="table-scroll similarity-scroll">
        <table class="similarity">
          <tbody>
            {cosines.map((line, i) => (
              <tr key={i}>
                <th scope="row">{letterOf(i)}</th>
                {line.slice(0, i).map((cosine, j) => {
                  const { fill, text } = heatOf(cosine, 1);
                  return (
                    <td key={j} style={{ background: fill, color: text }}>
                      {cosine.toFixed(2).replace('-', '−').replace('0.', '.')}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <td />
              {Array.from({ length: experts - 1 }, (_, i) => (
                <th scope="col" key={i}>
                  {letterOf(i)}
                </th>
              ))}
            </tr>
          </tfoot>
        </table>
      </div>
      <p class="help">
        {mean === null
          ? 'There is only one expert.'
          : `On average ${mean.toFixed(2).replace('-', '−')} over ${(experts * (experts - 1)) / 2} pairs.`}
      </p>
    </Figure>
  );
}
