/**
 * Words in the place of a chart that has nothing to show yet. The chart says so itself to those who do not see it.
 *
 * @param {{ children: import('preact').ComponentChildren, empty: boolean }} props
 */
export function BeforeFirstStep({ children, empty }) {
  return (
    <div class="before">
      {children}
      {empty && <p aria-hidden="true">The curves begin with the first step.</p>}
    </div>
  );
}
