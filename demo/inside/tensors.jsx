import { count } from '../format.js';
import { RoleMark } from './diagram.jsx';
import { number } from './heat.js';
import { norm } from './router.js';

/**
 * The tensors of a router for which the page has no diagram.
 *
 * @param {{ tensors: readonly import('../trainer/trainer-protocol.js').Tensor[] }} props
 */
export function Tensors({ tensors }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="table-scroll" tabIndex={0} aria-label="Tensors of this router">
      <table class="learns">
        <thead>
          <tr>
            <th scope="col">Tensor</th>
            <th scope="col">Shape</th>
            <th scope="col">Parameters</th>
            <th scope="col">Role</th>
            <th scope="col">Last gradient norm</th>
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
                  <RoleMark of={trainable ? 'learned' : 'frozen'} /> {trainable ? 'learned' : 'frozen'}
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
