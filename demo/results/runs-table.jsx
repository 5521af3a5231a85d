import { count, size } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { measuresOf, say } from './numbers.js';

/**
 * All runs of a study. Each can be trained again in this tab.
 *
 * @param {{ results: import('./read.js').StudyResults, replays: import('./replay.js').Replays }} props
 */
export function RunsFigure({ results, replays }) {
  const measures = measuresOf(results);
  return (
    <Figure
      title="Runs"
      name="study-runs"
      caption="Train a run again: it is trained in this tab with the same data, settings and seed, and every number is compared with the file, to the last bit. The data never leave the tab."
      rows={() => [
        ['variant', 'seed', 'steps', ...measures.map(({ words }) => words), 'fingerprint'],
        ...results.runs.map((run) => [
          ...[run.variant, run.seed, run.steps],
          ...measures.map(({ key }) => run.validation[key] ?? null),
          run.fingerprint,
        ]),
      ]}
    >
      <Wanting replays={replays} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-scroll" tabIndex={0} aria-label="Runs of the study">
        <table class="study-runs">
          <thead>
            <tr>
              <th scope="col">Variant</th>
              <th scope="col">Seed</th>
              <th scope="col">Again</th>
              <th scope="col">Steps</th>
              {measures.map(({ key, words }) => (
                <th key={key} scope="col">
                  {words}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {results.runs.map((run, i) => (
              <tr key={`${run.variant} ${run.seed}`}>
                <th scope="row">{run.variant}</th>
                <td>{run.seed}</td>
                <td>
                  <Again index={i} name={`${run.variant}, seed ${run.seed}`} replays={replays} />
                </td>
                <td>{count(run.steps)}</td>
                {measures.map(({ key, digits }) => (
                  <td key={key}>{run.diverged ? 'diverged' : say(run.validation[key], digits)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <Outcome results={results} replays={replays} />
    </Figure>
  );
}

/** @param {{ index: number, name: string, replays: import('./replay.js').Replays }} props */
function Again({ index, name, replays }) {
  const replay = replays.replays.value[index];
  const busy = replays.current.value;
  if (replay?.kind === 'running') {
    return (
      <div class="study-again">
        <progress value={replay.step} max={replay.steps} aria-label={`Steps of ${name}`} />
        <button type="button" onClick={replays.stop}>
          Stop
        </button>
      </div>
    );
  }
  return (
    <div class="study-again">
      {replay && <span>{shortly(replay)}</span>}
      <button
        type="button"
        disabled={busy !== null}
        aria-label={`Train again: ${name}`}
        onClick={() => replays.start(index)}
      >
        Train again
      </button>
    </div>
  );
}

/** @param {import('./replay.js').Replay} replay */
function shortly(replay) {
  if (replay.kind === 'same') return 'the same bits';
  if (replay.kind === 'parts') return 'parts';
  return replay.kind === 'failed' ? 'failed' : 'stopped';
}

/** @param {unknown} value */
const exactly = (value) => (typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'nothing'));

/** What came of the last run that was trained again, in words. @param {Parameters<typeof RunsFigure>[0]} props */
function Outcome({ results, replays }) {
  const all = replays.replays.value;
  const current = replays.current.value;
  const last = replays.last.value;
  const index = current ?? last;
  const replay = index === null ? undefined : all[index];
  const run = index === null ? undefined : results.runs[index];
  return (
    <p class="study-outcome" role="status">
      {run && replay && `${run.variant}, seed ${run.seed}: ${sentenceFor(replay)}`}
    </p>
  );
}

/** @param {import('./replay.js').Replay} replay */
function sentenceFor(replay) {
  switch (replay.kind) {
    case 'running':
      return 'training again.';
    case 'same':
      return 'the same bits. All losses, measures and parameters are equal to the last bit.';
    case 'parts': {
      const { what, here, there } = replay.parting;
      return `parts at ${what}: ${exactly(here)} here, ${exactly(there)} in the file.`;
    }
    case 'stopped':
      return `stopped at step ${count(replay.step)}.`;
    default:
      return `could not be trained again: ${replay.message}${/[.!?]$/.test(replay.message) ? '' : '.'}`;
  }
}

/** Asks for the data that the page does not have. @param {{ replays: import('./replay.js').Replays }} props */
function Wanting({ replays }) {
  const wanting = replays.wanting.value;
  if (!wanting) return null;
  return (
    <div class="notice study-wanting">
      <p>
        {wanting.base
          ? `It fine-tunes a model of the study “${wanting.base}”: open its results too.`
          : `To train it again, open its data: ${wanting.missing.map(({ file, bytes }) => `${file} (${size(bytes)})`).join(', ')}. Files are recognised by their SHA-256.`}
      </p>
      {wanting.problem && (
        <p role="alert" class="study-problem">
          {wanting.problem}
        </p>
      )}
      <div class="row">
        <label class="button">
          {wanting.base ? 'Open its results' : 'Open data'}
          <input
            type="file"
            multiple
            class="unseen"
            onChange={(event) => {
              const files = [...(event.currentTarget.files ?? [])];
              event.currentTarget.value = '';
              replays.give(files);
            }}
          />
        </label>
        <button type="button" onClick={replays.forget}>
          Cancel
        </button>
      </div>
    </div>
  );
}
