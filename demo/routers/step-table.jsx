import { count } from '../format.js';

const maxRows = 25;

/**
 * @typedef {{ title: string, steps: readonly number[], values: readonly number[] }} Column
 */

/**
 * All values over the steps, for a CSV file: one row for each step of any column.
 *
 * @param {readonly Column[]} columns
 * @param {string} [of] name of the first column
 * @returns {import('../export/csv.js').Row[]}
 */
export function stepRows(columns, of = 'step') {
  const known = columns.map(({ steps, values }) => new Map(steps.map((step, i) => [step, values[i]])));
  const steps = [...new Set(columns.flatMap((column) => column.steps))].sort((a, b) => a - b);
  return [
    [of, ...columns.map(({ title }) => title)],
    ...steps.map((step) => [step, ...known.map((column) => column.get(step) ?? '')]),
  ];
}

/**
 * Values over the steps as a table. Rows are a selection of the steps of the last column; other columns show their last
 * value by then.
 *
 * @param {object} props
 * @param {readonly Column[]} props.columns
 * @param {(value: number | undefined) => string} props.format
 * @param {string} [props.of] name of the first column
 */
export function StepTable({ columns, format, of = 'Step' }) {
  const all = columns.at(-1)?.steps ?? [];
  const every = Math.ceil(all.length / maxRows) || 1;
  const rows = all.filter((_, i) => i % every === 0 || i === all.length - 1);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{of}</th>
          {columns.map(({ title }) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((step) => (
          <tr key={step}>
            <th scope="row">{count(step)}</th>
            {columns.map(({ title, steps, values }) => (
              <td key={title}>{format(values[steps.findLastIndex((at) => at <= step)])}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
