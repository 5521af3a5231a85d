import { useState } from 'preact/hooks';

/**
 * Starts the tour, which is loaded on the first click.
 *
 * @param {{ shell: import('../shell.js').Shell }} props
 */
export function TourEntry({ shell }) {
  const [opened, setOpened] = useState(
    /** @type {{ Panel: typeof import('./tour.jsx').TourPanel, tour: import('./tour.js').Tour } | null} */ (
      null
    ),
  );
  const [failure, setFailure] = useState('');
  async function begin() {
    try {
      setFailure('');
      if (opened) return void opened.tour.begin();
      const [{ TourPanel }, { createTour }, { tourSteps }] = await Promise.all([
        import('./tour.jsx'),
        import('./tour.js'),
        import('./steps.js'),
      ]);
      const tour = createTour(shell, tourSteps);
      setOpened({ Panel: TourPanel, tour });
      await tour.begin();
    } catch (error) {
      setFailure(`The tour could not be loaded: ${error instanceof Error ? error.message : error}`);
    }
    return undefined;
  }
  return (
    <div class="tour-entry">
      <p>
        <span>New to this? </span>
        <button type="button" onClick={begin}>
          Take the tour
        </button>
      </p>
      {failure && (
        <p class="notice notice-problem" role="alert">
          {failure}
        </p>
      )}
      {opened && <opened.Panel tour={opened.tour} />}
    </div>
  );
}
