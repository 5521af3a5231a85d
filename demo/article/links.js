/**
 * Links of the article set up the demo above it, and lead there: the eye, and the focus too.
 *
 * @param {ParentNode} [page]
 */
export function followArticleLinks(page = document) {
  for (const link of page.querySelectorAll('.article a[href^="#room="]')) {
    link.addEventListener('click', () => {
      const id = new URLSearchParams(/** @type {HTMLAnchorElement} */ (link).hash.slice(1)).get('room');
      const room = /** @type {HTMLElement | null} */ (page.querySelector(`.rooms [href="#room=${id}"]`));
      room?.focus({ preventScroll: true });
      room?.scrollIntoView();
    });
  }
}
