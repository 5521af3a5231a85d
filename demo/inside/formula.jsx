/**
 * A formula, set when the page was built.
 *
 * @param {{ of: string }} props a `math` element out of the page’s own files
 */
export function Formula({ of }) {
  return <div class="formula" dangerouslySetInnerHTML={{ __html: of }} />;
}
