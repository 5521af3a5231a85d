import { effect, signal } from '@preact/signals';
import { readResultsFile } from './read.js';
import { repositoryResults } from './repository.js';

/**
 * @typedef {{ results: import('./read.js').StudyResults, own: boolean }} Shown own: of this project, not from a file
 */

/**
 * The study that Side by side shows: one of the repository, which the address names, or a file.
 *
 * @param {import('../state.js').State} state whose setting `study` is a name; empty: none, or a file
 * @param {(text: string) => void} complain
 */
export function createStudyPlace(state, complain) {
  const shown = signal(/** @type {Shown | null} */ (null));
  let turn = 0;
  /** Whether what is shown is not of the repository. */
  let fromFile = false;

  /** @param {Promise<Shown>} reading */
  async function show(reading) {
    const mine = ++turn;
    try {
      const read = await reading;
      if (mine === turn) shown.value = read;
    } catch (error) {
      if (mine === turn) complain(error instanceof Error ? error.message : String(error));
    }
  }

  effect(() => {
    const name = String(state.get('study'));
    if (name) show(repositoryResults(name).then((results) => ({ results, own: true })));
    else if (!fromFile) shown.value = null;
  });

  return {
    shown,

    /** @param {File} file */
    async openFile(file) {
      await show(
        readResultsFile(file).then((read) => {
          fromFile = true;
          state.setAll([['study', '']]);
          return { results: read, own: false };
        }),
      );
    },

    close() {
      fromFile = false;
      turn++;
      state.set('study', '');
      shown.value = null;
    },
  };
}

/** @typedef {ReturnType<typeof createStudyPlace>} StudyPlace */
