import { count } from '../format.js';
import { number } from './heat.js';
import { norm } from './router.js';
import { FateMark } from './stage.jsx';

/**
 * The tensors of a router that the page has no diagram of its own for.
 *
 * @param {{ tensors: readonly import('../trainer/trainer-protocol.js').Tensor[] }} props
 */
export function Tensors({ tensors }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="table-scroll" tabIndex={0} aria-label="The tensors of this router, a table">
      <table class="learns">
        <thead>
          <tr>
            <th scope="col">Tensor</th>
            <th scope="col">Shape</th>
            <th scope="col">Numbers</th>
            <th scope="col">In training</th>
            <th scope="col">Norm of the last gradient</th>
          </tr>
        </thead>
        <tbody>
          {tensors.map(({ name, shape, trainable, data, grad }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{shape.map((length) => count(length)).join(' × ')}</td>
              <td>{count(data.length)}</td>
              <td>
                <span class="learns-cell">
                  <FateMark of={trainable ? 'learned' : 'frozen'} /> {trainable ? 'learned' : 'frozen'}
                </span>
              </td>
              <td>{grad ? number(norm(grad)) : '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
