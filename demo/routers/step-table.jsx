import { count } from '../format.js';

const mostRows = 25;

/**
 * Values over the steps as a table. The rows are the steps of the last column, thinned out; the others give what they
 * had by then.
 *
 * @param {object} props
 * @param {readonly { title: string, steps: readonly number[], values: readonly number[] }[]} props.columns
 * @param {(value: number | undefined) => string} props.format
 */
export function StepTable({ columns, format }) {
  const all = columns.at(-1)?.steps ?? [];
  const every = Math.ceil(all.length / mostRows) || 1;
  const rows = all.filter((_, i) => i % every === 0 || i === all.length - 1);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Step</th>
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
