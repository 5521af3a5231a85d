/** The way to the settings where pictures come first, on a narrow screen: the eye, and the focus too. */
export function ToSettings() {
  return (
    <button type="button" class="quiet to-settings" onClick={go}>
      Settings
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        <path d="M6 1v9M2 6.5l4 4 4-4" />
      </svg>
    </button>
  );
}

function go() {
  const settings = /** @type {HTMLElement} */ (document.querySelector('.controls'));
  settings.focus({ preventScroll: true });
  settings.scrollIntoView();
}
