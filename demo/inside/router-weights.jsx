import { useMemo } from 'preact/hooks';
import { fillOf, letterOf } from '../colours.js';
import { Chip } from '../views/figure.jsx';
import { Stage } from './diagram.jsx';
import { range, reaches } from './heat.js';
import { HeatMap } from './heat-map.jsx';
import { withBias } from './router.js';

/** @typedef {import('./heat-map.jsx').Cell} Cell */

/**
 * R and b: one row per expert.
 *
 * @param {object} props
 * @param {import('./router.js').Linear} props.scores
 * @param {import('./router.js').RouterParts['roles']} props.roles
 * @param {(cell: Cell) => string} [props.moreOf]
 * @param {(cell: Cell | null) => void} [props.onCursor]
 */
export function RouterWeights({ scores: { weight, bias }, roles, moreOf, onCursor }) {
  const both = useMemo(() => withBias({ weight, bias }), [weight, bias]);
  return (
    <Stage
      area="weights"
      symbol={
        <>
          <i>R</i>, <i>b</i>
        </>
      }
      name={`one row per expert; last column: b${roles.bias === roles.weight ? '' : `, ${roles.bias}`}`}
      tensorRole={roles.weight}
      size={both.data.length}
    >
      <ByExpert experts={weight.rows}>
        <HeatMap
          kind="heat-matrix"
          matrix={both}
          reach={reaches.weights}
          label={`R and b (last column): ${weight.rows} experts × ${both.columns} values, ${range(both)}.`}
          nameOf={weightName(weight.columns)}
          moreOf={moreOf}
          onCursor={onCursor}
        />
      </ByExpert>
    </Stage>
  );
}

/**
 * The name of an entry of R and b.
 *
 * @param {number} width d
 * @returns {(cell: Cell) => string}
 */
export const weightName =
  (width) =>
  ({ row, column }) =>
    column < width ? `R, expert ${letterOf(row)}, column ${column + 1}` : `b, expert ${letterOf(row)}`;

/**
 * A matrix with one row per expert, with the experts’ letters.
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
