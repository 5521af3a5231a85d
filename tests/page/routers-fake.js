export const tick = () => new Promise((resolve) => setTimeout(resolve));

/**
 * A worker that learns nothing, a step a millisecond or so; its loss is that of the test's wishes.
 *
 * @param {{ log: string[], failAt?: number, error?: Error, failBuild?: Error }} wishes
 */
export function fakeClient(wishes) {
  let step = 0;
  let told = 0;
  let name = '';
  let paused = false;
  let cancelled = false;
  const { log } = wishes;
  /** @type {Record<string, (body: any, options: any) => Promise<any>>} */
  const serve = {
    async tune({ pace }) {
      log.push(`tune ${pace}`);
      return {};
    },
    async build({ config, data }) {
      log.push(`build ${config.router}${data ? ' with data' : ''}`);
      if (wishes.failBuild) throw wishes.failBuild;
      name = config.router;
      step = 0;
      told = 0;
      return { config, topK: config.topK, step, parameterCount: 10, trainableParameterCount: 5, data: {} };
    },
    async runTo({ step: target }) {
      log.push(`${name} to ${target}`);
      paused = false;
      while (step < target && !paused) {
        await tick();
        step++;
        if (step === wishes.failAt) throw wishes.error;
      }
      return { step, reason: paused ? 'paused' : 'reached' };
    },
    async pause() {
      paused = true;
      return { step };
    },
    async frame() {
      const losses = Float32Array.from({ length: step - told }, (_, i) => 5 / (told + i + 1));
      told = step;
      const nothing = { heldOut: [], measures: [], moments: [], perSecond: 1 };
      return { step, losses, ...nothing, shape: {}, buffer: new ArrayBuffer(8) };
    },
    async measure(_, { onPart }) {
      cancelled = false;
      for (let topK = 1; topK <= 8 && !cancelled; topK++) {
        // As of a real worker, no part comes before the request has its id.
        await tick();
        onPart({ topK, loss: 1 / topK });
      }
      return { reason: cancelled ? 'cancelled' : 'done' };
    },
    async cancel() {
      cancelled = true;
      return {};
    },
  };
  let id = 0;
  return /** @type {any} */ ({
    request: (/** @type {string} */ type, /** @type {any} */ body, /** @type {any} */ options) =>
      Object.assign(serve[type](body, options), { id: ++id }),
    lost: new Promise(() => {}),
    close: () => log.push(`close ${name}`),
  });
}
