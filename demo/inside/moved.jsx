import { count } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { number } from './heat.js';
import { Line } from './line.jsx';
import { courseRows } from './rows.js';

/** @typedef {import('./course.js').Course} Course */

/**
 * How far R has moved since the run began.
 *
 * @param {{ isFrozen: boolean, course: readonly Course[], now: number }} props isFrozen: whether R is; now: the step that is
 *   shown
 */
export function MovedView({ isFrozen, course, now }) {
  const last = course.findLast(({ step }) => step <= now);
  if (!last) return null;
  const fact = isFrozen
    ? 'R is frozen: it has not moved, and never will.'
    : `At step ${count(last.step)} R is ${number(last.moved)} away from where it began.`;
  return (
    <Figure
      title="How far R has moved"
      name="moved"
      caption="Distance of R from its first values: the root of the summed squares of all changes (Frobenius). Choose another router above, and compare after as many steps."
      table={() => <MovedTable course={course} />}
      rows={() => courseRows(course)}
    >
      <Line
        steps={course.map(({ step }) => step)}
        values={course.map(({ moved }) => moved)}
        range={[0, 0.25]}
        now={now}
        label={`Distance of R from its start over the steps. ${fact}`}
      />
      <p class="figure-fact">{fact}</p>
    </Figure>
  );
}

/** @param {{ course: readonly Course[] }} props */
function MovedTable({ course }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">R from its start</th>
          <th scope="col">Mean cosine of its rows</th>
        </tr>
      </thead>
      <tbody>
        {course.map(({ step, moved, similarity }) => (
          <tr key={step}>
            <th scope="row">{count(step)}</th>
            <td>{number(moved)}</td>
            <td>{similarity === null ? '–' : number(similarity)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
