import { useEffect, useMemo } from 'preact/hooks';
import { count } from '../format.js';
import { dataAtHand, giveData } from './data.js';
import { ByKStudyFigure, CurvesFigure, DifferencesFigure, VariantsFigure } from './figures.jsx';
import { nameOf } from './numbers.js';
import { readResultsFile } from './read.js';
import { createReplays } from './replay.js';
import { findStudy } from './repository.js';
import { RunsFigure } from './runs-table.jsx';

/**
 * The results of a study, with everything that is in them.
 *
 * @param {import('./open.js').Shown & { onClose: () => void }} props
 */
export function StudyView({ results, own, onClose }) {
  const replays = useMemo(
    () => createReplays(results, { dataAtHand, giveData, findResults: findStudy, read: readResultsFile }),
    [results],
  );
  useEffect(() => replays.stop, [replays]);
  useEffect(() => (own ? undefined : replays.check()), [replays, own]);
  const { study, data, runs, missing } = results;
  const what = study.task === 'classify' ? 'Text classifiers' : 'Language models';
  const left = missing?.length ? ` ${count(missing.length)} runs are missing.` : '';
  return (
    <section class="study" aria-labelledby="study-title">
      <div class="study-head">
        <h2 id="study-title" tabIndex={-1}>
          Study: {nameOf(results)}
        </h2>
        <button type="button" class="quiet" onClick={onClose}>
          Close<span class="unseen"> the study</span>
        </button>
      </div>
      <p class="study-about">
        {what} on {data.map(({ file }) => file).join(', ')}: {count(results.variants.length)}{' '}
        {results.variants.length === 1 ? 'variant' : 'variants'}, {count(runs.length)}{' '}
        {runs.length === 1 ? 'run' : 'runs'}.{left}
      </p>
      <SummaryProblem replays={replays} />
      <div class="study-figures">
        <VariantsFigure results={results} />
        <DifferencesFigure results={results} />
        <ByKStudyFigure results={results} />
        <CurvesFigure results={results} />
      </div>
      <RunsFigure results={results} replays={replays} />
    </section>
  );
}

/** Says that the figures below are not those of the runs. @param {{ replays: import('./replay.js').Replays }} props */
function SummaryProblem({ replays }) {
  const parting = replays.summary.value;
  if (!parting) return null;
  const { what, here, there } = parting;
  return (
    <p class="notice notice-problem" role="alert">
      {here === undefined && there === undefined
        ? `This file is not the work of the command line: ${what}.`
        : `The summary in this file is not that of its runs. It parts at ${what}: ${here} from the runs, ${there} in the file.`}
    </p>
  );
}
