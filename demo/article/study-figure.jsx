import { render } from 'preact';
import { ByKStudyFigure, CurvesFigure, DifferencesFigure, VariantsFigure } from '../results/figures.jsx';
import { repositoryResults } from '../results/repository.js';

/** What an article can show of a study, as `data-part` names it. */
const parts = {
  variants: VariantsFigure,
  differences: DifferencesFigure,
  'by-k': ByKStudyFigure,
  curves: CurvesFigure,
};

/**
 * A figure of a study of this project, out of its results:
 *
 *     <div data-figure="study" data-study="language" data-part="differences"></div>
 *
 * @param {HTMLElement} place
 */
export async function mountStudyFigure(place) {
  const { study = '', part = 'variants' } = place.dataset;
  try {
    if (!Object.hasOwn(parts, part)) throw new RangeError(`a study has no figure “${part}”`);
    const Part = parts[/** @type {keyof typeof parts} */ (part)];
    const results = await repositoryResults(study);
    render(<Part results={results} prefix={`article-${study}`} heading="h4" />, place);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    render(<p role="alert">The figure could not be shown: {reason}</p>, place);
  }
}
