/** The classes of points, by the shape of their mark. */
export const classNames = ['circle', 'triangle', 'square', 'cross'];

/**
 * The mark of a class, as on the maps.
 *
 * @param {{ id: number }} props
 */
export function ClassMark({ id }) {
  return (
    <svg class="class-mark" viewBox="-8 -8 16 16" aria-hidden="true">
      {id === 0 && <circle r="6" />}
      {id === 1 && <path d="M0-7 6.6 5-6.6 5z" />}
      {id === 2 && <path d="M-5.5-5.5h11v11h-11z" />}
      {id === 3 && <path d="M-2.3-6.5h4.6v4.2h4.2v4.6h-4.2v4.2h-4.6v-4.2h-4.2v-4.6h4.2z" />}
    </svg>
  );
}
