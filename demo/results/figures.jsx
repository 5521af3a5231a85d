import { count } from '../format.js';
import { columnsOf, lastInWords } from '../routers/bands.js';
import { lookAt } from '../routers/marks.js';
import { StepTable, stepRows } from '../routers/step-table.jsx';
import { Figure } from '../views/figure.jsx';
import { Plot } from '../views/plot.jsx';
import { Dots } from './dots.jsx';
import {
  curvesOf,
  differenceOf,
  differencesOf,
  ksOf,
  measuresOf,
  range,
  say,
  signed,
  valuesOf,
  verdictOf,
} from './numbers.js';

/**
 * @typedef {import('./read.js').StudyResults} StudyResults
 * @typedef {import('./numbers.js').Measure} Measure
 *
 * @typedef {{ results: StudyResults, prefix?: string, heading?: 'h2' | 'h4' }} Shown prefix: of names, where there are several
 *   on a page; heading: of the figure
 */

/** What is measured, as a caption says it. @param {StudyResults} results */
const heldOutWords = ({ heldOut }) => (heldOut?.measured === 'test' ? 'test data' : 'held-out data');

/**
 * The held-out measure of each variant.
 *
 * @param {Shown} props
 */
export function VariantsFigure({ results, prefix = 'study', heading }) {
  const [measure] = measuresOf(results);
  if (!measure) return null;
  const { key, words, digits } = measure;
  const rows = results.variants.map((variant) => {
    const summary = variant.validation[key] ?? { mean: null, low: null, high: null };
    const { mean, low, high } = summary;
    const text = low === null ? say(mean, digits) : `${say(mean, digits)} (${range(summary, say, digits)})`;
    return {
      ...{ label: variant.variant, mean, low, high, text },
      points: valuesOf(results, variant.variant, key),
    };
  });
  return (
    <Figure
      heading={heading}
      title={`Each variant, ${words}`}
      name={`${prefix}-variants`}
      caption={`On ${heldOutWords(results)}. Large dots: means. Bars: 95 % intervals of the means (t). Small dots: seeds. The next figure compares variants seed by seed.`}
      table={() => <VariantTable rows={variantRows(results, say)} />}
      rows={() => variantRows(results)}
    >
      <Dots
        rows={rows}
        format={(value) => String(value)}
        label={`${words} with 95 % intervals: ${rows.map(({ label, text }) => `${label} ${text}`).join('; ')}.`}
      />
    </Figure>
  );
}

/**
 * @param {object} props
 * @param {readonly (readonly (string | number | null | undefined)[])[]} props.rows the first is the head; the first cell of the
 *   others is a variant
 */
function VariantTable({ rows: [head, ...rows] }) {
  return (
    <table>
      <thead>
        <tr>
          {head.map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(([variant, ...cells]) => (
          <tr key={variant}>
            <th scope="row">{variant}</th>
            {cells.map((cell, i) => (
              <td key={head[i + 1]}>{cell ?? '–'}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/**
 * @param {StudyResults} results
 * @param {(value: number | null | undefined, digits: number) => string | number | null | undefined} [format]
 */
function variantRows(results, format = (value) => value) {
  const measures = measuresOf(results);
  const head = measures.flatMap(({ words }) => [words, `${words}, low`, `${words}, high`]);
  return [
    ['variant', 'seeds', ...head, 'active parameters', 'parameters'],
    ...results.variants.map(({ variant, seeds, validation, parameters }) => [
      variant,
      seeds,
      ...measures.flatMap(({ key, digits }) => {
        const { mean, low, high } = validation[key] ?? {};
        return [mean, low, high].map((value) => format(value, digits));
      }),
      parameters?.active ?? null,
      parameters?.total ?? null,
    ]),
  ];
}

/**
 * How much each variant differs from the first one, seed by seed.
 *
 * @param {Shown} props
 */
export function DifferencesFigure({ results, prefix = 'study', heading }) {
  const [measure] = measuresOf(results);
  const [first, ...others] = results.variants;
  if (!measure || !others.length) return null;
  const { key, words, digits } = measure;
  const rows = others.flatMap((variant) => {
    const difference = differenceOf(variant, key);
    if (!difference) return [];
    const { mean, low, high, adjusted } = difference;
    return {
      ...{ label: variant.variant, mean, low, high, wider: adjusted },
      points: differencesOf(results, variant.variant, key),
      text: `${signed(mean, digits)} (${range(adjusted, signed, digits)})`,
      verdict: verdictOf(difference, first.variant, digits),
      difference,
    };
  });
  if (!rows.length) return null;
  return (
    <Figure
      heading={heading}
      title={`Difference from ${first.variant}, ${words}`}
      name={`${prefix}-differences`}
      caption={`Paired by seed. Thick bars: 95 % intervals; thin bars, and the numbers: corrected for ${results.comparisons ?? others.length} comparisons. Where the thin bar crosses 0, the study does not tell the two apart.`}
      table={() => (
        <VariantTable
          rows={[
            ['Variant', 'Difference', 'Corrected interval', 'Seeds with its sign', 'What it says'],
            ...rows.map(({ label, mean, wider, difference: { agree, seeds }, verdict }) => [
              ...[label, signed(mean, digits), range(wider, signed, digits)],
              ...[`${agree} of ${seeds}`, verdict],
            ]),
          ]}
        />
      )}
      rows={() => [
        [
          'variant',
          'difference',
          'low',
          'high',
          'corrected low',
          'corrected high',
          'seeds with its sign',
          'seeds',
        ],
        ...rows.map(({ label, mean, low, high, wider, difference: { agree, seeds } }) => [
          ...[label, mean, low, high, wider.low, wider.high, agree, seeds],
        ]),
      ]}
    >
      <Dots
        rows={rows}
        zero
        format={(value) => `${value > 0 ? '+' : ''}${value}`.replace('-', '−')}
        label={`Differences from ${first.variant} in ${words}: ${rows.map(({ label, text, verdict }) => `${label} ${text}, ${verdict}`).join('; ')}.`}
      />
      <ul class="dots-verdicts">
        {rows.map(({ label, verdict }) => (
          <li key={label}>
            <b>{label}</b>: {verdict}.
          </li>
        ))}
      </ul>
    </Figure>
  );
}

/**
 * The held-out measure by k at inference.
 *
 * @param {Shown} props
 */
export function ByKStudyFigure({ results, prefix = 'study', heading }) {
  const [measure] = measuresOf(results);
  const ks = ksOf(results);
  if (!measure || ks.length < 2) return null;
  const { key, words, digits } = measure;
  const lines = results.variants.flatMap(({ variant, byTopK }, i) => {
    const steps = ks.filter((k) => typeof byTopK[k]?.[key]?.mean === 'number');
    if (!steps.length) return [];
    const at = (/** @type {'mean' | 'low' | 'high'} */ end) => steps.map((k) => Number(byTopK[k][key][end]));
    const banded = steps.every((k) => byTopK[k][key].low !== null);
    return {
      ...{ label: variant, look: lookAt(i), steps, values: at('mean') },
      ...(banded && { low: at('low'), high: at('high') }),
      marks: steps.map((k, j) => ({ step: k, value: at('mean')[j] })),
    };
  });
  if (!lines.length) return null;
  const columns = lines.flatMap(({ label, ...band }) => columnsOf(label, band));
  return (
    <Figure
      heading={heading}
      title={`By k at inference, ${words}`}
      name={`${prefix}-by-k`}
      caption={`On ${heldOutWords(results)}, with k experts per token. Shaded: 95 % intervals.`}
      table={() => <StepTable columns={columns} format={(value) => say(value, digits)} of="k" />}
      rows={() => stepRows(columns, 'k')}
    >
      <Plot
        lines={lines}
        log
        along={[ks[0], Number(ks.at(-1))]}
        ticks={ks}
        height={240}
        label={`${words} by k: ${lines.map(({ label, values }) => `${label} ${values.map((value, i) => `${say(value, digits)} with k = ${ks[i]}`).join(', ')}`).join('; ')}.`}
      />
    </Figure>
  );
}

/**
 * The losses as the models were trained.
 *
 * @param {Shown} props
 */
export function CurvesFigure({ results, prefix = 'study', heading }) {
  const curves = results.variants.map(({ variant }, i) => ({
    ...{ label: variant, look: lookAt(i) },
    ...curvesOf(results, variant),
  }));
  const last = Math.max(0, ...results.runs.map(({ steps }) => steps));
  const seeds = Math.max(0, ...results.variants.map((variant) => variant.seeds));
  const lines = curves.map(({ label, look, training, heldOut }) => ({
    ...{ label, look, ...training },
    marks: heldOut.steps.map((step, i) => ({ step, value: heldOut.values[i] })),
  }));
  const columns = curves.flatMap(({ label, training, heldOut }) => [
    ...columnsOf(`${label}, training`, training),
    ...columnsOf(`${label}, held-out`, heldOut),
  ]);
  const three = (/** @type {number | undefined} */ value) => say(value, 3);
  return (
    <Figure
      heading={heading}
      title="Learning curves"
      name={`${prefix}-curves`}
      caption={`Loss in nats${results.study.task === 'classify' ? '' : ' per token'}. Lines: training loss. Marks: held-out loss.${seeds > 1 ? ' Means over the seeds; shaded: range.' : ''}`}
      table={() => <StepTable columns={columns} format={three} />}
      rows={() => stepRows(columns)}
    >
      <Plot
        lines={lines}
        lastStep={last}
        height={260}
        label={`Loss over ${count(last)} steps. ${curves.map(({ label, training, heldOut }) => `${label}: training ${lastInWords(training, three)}, held-out ${lastInWords(heldOut, three)}`).join('; ')}.`}
      />
    </Figure>
  );
}
