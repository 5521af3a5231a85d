/** Earlier, the models are further apart than they ever are again. */
const from = 50;

/**
 * By how much each model's held-out loss is above the mean of all, where all were looked at at the same step.
 *
 * @template {string} R
 * @param {readonly { router: R, heldOut: readonly { step: number, loss: number }[] }[]} runs
 * @returns {{ router: R, steps: number[], values: number[] }[]} nats
 */
export function gapsOf(runs) {
  const looks = runs.map(({ heldOut }) => new Map(heldOut.map(({ step, loss }) => [step, loss])));
  const steps = [...(looks[0]?.keys() ?? [])].filter(
    (step) => step >= from && looks.every((look) => look.has(step)),
  );
  const at = (/** @type {Map<number, number>} */ look, /** @type {number} */ step) => Number(look.get(step));
  const means = steps.map((step) => looks.reduce((sum, look) => sum + at(look, step), 0) / looks.length);
  return runs.map(({ router }, run) => ({
    router,
    steps,
    values: steps.map((step, i) => at(looks[run], step) - means[i]),
  }));
}
