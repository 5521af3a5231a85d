import { useMemo } from 'preact/hooks';
import { fillOf, letterOf } from '../colours.js';
import { Chip } from '../views/figure.jsx';
import { range, reaches } from './heat.js';
import { HeatMap } from './heat-map.jsx';
import { withBias } from './router.js';
import { Stage } from './stage.jsx';

/** @typedef {import('./heat-map.jsx').Cell} Cell */

/**
 * R and b: a row for each expert.
 *
 * @param {object} props
 * @param {import('./router.js').Linear} props.scores
 * @param {import('./router.js').RouterParts['fates']} props.fates
 * @param {(cell: Cell) => string} [props.moreOf]
 * @param {(cell: Cell | null) => void} [props.onCursor]
 */
export function RouterWeights({ scores: { weight, bias }, fates, moreOf, onCursor }) {
  const both = useMemo(() => withBias({ weight, bias }), [weight, bias]);
  return (
    <Stage
      area="weights"
      symbol={
        <>
          <i>R</i>, <i>b</i>
        </>
      }
      name={`a row for each expert; b is the last column${fates.bias === fates.weight ? '' : `, ${fates.bias}`}`}
      fate={fates.weight}
      size={both.data.length}
    >
      <ByExpert experts={weight.rows}>
        <HeatMap
          kind="heat-matrix"
          matrix={both}
          reach={reaches.weights}
          label={`R and, as the last column, b: ${weight.rows} experts by ${both.columns} numbers, ${range(both)}.`}
          nameOf={weightName(weight.columns)}
          moreOf={moreOf}
          onCursor={onCursor}
        />
      </ByExpert>
    </Stage>
  );
}

/**
 * What a number of R and b is called.
 *
 * @param {number} width d
 * @returns {(cell: Cell) => string}
 */
export const weightName =
  (width) =>
  ({ row, column }) =>
    column < width ? `R, expert ${letterOf(row)}, number ${column + 1}` : `b, expert ${letterOf(row)}`;

/**
 * A matrix whose rows are the experts’.
 *
 * @param {{ experts: number, children: import('preact').ComponentChildren }} props
 */
export function ByExpert({ experts, children }) {
  return (
    <div class="by-expert" style={{ '--rows': experts }}>
      <ExpertNames experts={experts} />
      {children}
    </div>
  );
}

/** @param {{ experts: number }} props */
export function ExpertNames({ experts }) {
  return (
    <div class="expert-names" aria-hidden="true">
      {Array.from({ length: experts }, (_, expert) => {
        const { fill, text } = fillOf(expert, experts, 1);
        return <Chip key={expert} letter={letterOf(expert)} fill={fill} text={text} />;
      })}
    </div>
  );
}
