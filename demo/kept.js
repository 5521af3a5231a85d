import { signal } from '@preact/signals';
import {
  addHeldOut,
  addLoad,
  addLosses,
  addMeasures,
  createLoadHistory,
  createLossHistory,
  createMeasuresHistory,
} from './history.js';

/**
 * What is kept of one model's training, as signals.
 */
export function createKept() {
  const losses = signal(createLossHistory());
  const loads = signal(createLoadHistory());
  const measures = signal(createMeasuresHistory());

  return {
    signals: { losses, loads, measures },

    /** Another model begins. */
    forget() {
      losses.value = createLossHistory();
      loads.value = createLoadHistory();
      measures.value = createMeasuresHistory();
    },

    /**
     * @param {import('./trainer/trainer-protocol.js').Frame} news
     * @param {number[][] | null} load [layers, E] of the picture that came with it
     */
    take(news, load) {
      const history = losses.peek();
      addLosses(history, news.step, news.losses);
      addHeldOut(history, news.heldOut);
      losses.value = { ...history };
      if (news.measures.length) {
        const measured = measures.peek();
        for (const entry of news.measures) addMeasures(measured, entry);
        measures.value = { ...measured };
      }
      if (!load) return;
      const loaded = loads.peek();
      addLoad(loaded, { step: news.step, layers: load });
      loads.value = { ...loaded };
    },
  };
}
