import { ByteVocabulary, load } from 'hyperrouter-wasm/worker';
import { useEffect, useState } from 'react';

const vocabulary = new ByteVocabulary();
const SIZES = { vocabSize: 256, layers: 2, heads: 2, dModel: 32, dHead: 16, dInner: 64, experts: 4, topK: 1 };

/**
 * Trains a language model on a text while the component is mounted, and shows the load of its experts.
 *
 * @param {{ text: string, steps?: number }} props
 */
export function Training({ text, steps = 500 }) {
  const [progress, setProgress] = useState(/** @type {any} */ (null));
  const [error, setError] = useState('');

  useEffect(() => {
    const controller = new AbortController();
    train(text, steps, controller.signal, setProgress).catch((reason) => {
      if (!controller.signal.aborted) setError(String(reason));
    });
    // If the text changes or the component unmounts, training stops and the worker is closed.
    return () => controller.abort();
  }, [text, steps]);

  if (error) return <p role="alert">{error}</p>;
  if (!progress) return <p>Loading…</p>;
  return (
    <figure>
      <figcaption>
        Step {progress.step} of {steps}: loss {progress.loss.toFixed(3)}
      </figcaption>
      {Array.from(progress.measures?.[0].load ?? [], (share, expert) => (
        <meter key={expert} value={share} title={`Expert ${expert}: load ${Math.round(100 * share)} %`} />
      ))}
    </figure>
  );
}

/**
 * @param {string} text
 * @param {number} steps
 * @param {AbortSignal} signal
 * @param {(progress: any) => void} show
 */
async function train(text, steps, signal, show) {
  const engine = await load({ signal });
  try {
    const model = await engine.createLanguageModel(SIZES);
    const tokens = vocabulary.encode(text);
    const options = { steps, every: 10, signal, probe: tokens.slice(0, 300), measureEvery: 10 };
    for await (const progress of model.train(tokens, options)) show(progress);
  } finally {
    await engine.dispose();
  }
}
