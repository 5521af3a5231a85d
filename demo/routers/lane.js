import { batch, signal } from '@preact/signals';
import { createKept } from '../kept.js';

/**
 * @typedef {import('../worker/client.js').Client} Client
 * @typedef {import('../worker/protocol.js').Frame} Frame
 * @typedef {import('../worker/protocol.js').Summary} Summary
 * @typedef {import('./kinds.js').Kind} Kind
 *
 * @typedef {'ready' | 'diverged' | 'failed'} LaneStatus
 *
 * @typedef {{ step: number, points: { topK: number, loss: number }[] }} Scan held-out loss for every k, nats
 */

/**
 * One of the models that are compared, in a worker of its own, and what was heard of it.
 *
 * @param {{ router: string, run: number, client: Client }} parts run: of which seed, counted from 0
 */
export function createLane({ router, run, client }) {
  const status = signal(/** @type {LaneStatus} */ ('ready'));
  const summary = signal(/** @type {Summary | null} */ (null));
  const step = signal(0);
  const kept = createKept();
  const picture = signal(/** @type {{ shape: any, buffer: ArrayBuffer } | null} */ (null));
  const scan = signal(/** @type {Scan | null} */ (null));
  /** @type {object | undefined} what the worker has */
  let sent;
  /** @type {Kind | undefined} */
  let kind;
  /** @type {ArrayBuffer | null} */
  let spare = null;
  /** @type {number | undefined} */
  let scanId;

  /** @param {Frame} news */
  function take(news) {
    batch(() => {
      step.value = news.step;
      const { buffer, shape } = news;
      kept.take(news, buffer && shape && kind ? kind.loads(shape, buffer) : null);
      if (!buffer || !shape) return;
      spare = picture.peek()?.buffer ?? null;
      picture.value = { shape, buffer };
    });
  }

  return {
    router,
    run,
    client,
    status,
    summary,
    step,
    ...kept.signals,
    /** The routing of the probe, in the layout of the task. */
    picture,
    scan,

    /**
     * Another model. If that fails, the last one stays as it is.
     *
     * @param {{ kind: Kind, data: object, learningRate: number }} wanted
     * @returns {Promise<() => void>} shows it
     */
    async build({ kind: next, data, learningRate }) {
      const body = { task: next.name, config: next.config(router, run), learningRate };
      const built = await client.request('build', { ...body, data: data === sent ? null : data });
      sent = data;
      const news = await client.request('frame', { recycle: null, whole: true });
      return () => {
        kind = next;
        summary.value = built;
        kept.forget();
        picture.value = null;
        scan.value = null;
        status.value = 'ready';
        take(news);
      };
    },

    /** @param {number} target */
    runTo: (target) => client.request('runTo', { step: target }),

    /**
     * Asks what happened since the last time.
     *
     * @returns {Promise<() => void>} shows it
     */
    async frame() {
      const recycle = spare;
      spare = null;
      const options = { transfer: recycle ? [recycle] : [] };
      const news = await client.request('frame', { recycle, whole: false }, options);
      return () => take(news);
    },

    /** The held-out loss for every k; of a dense model, the one that it has. */
    async measure() {
      const points = /** @type {Scan['points']} */ ([]);
      const dense = !kind?.routes(router);
      const at = step.peek();
      const asked = summary.peek();
      const request = client.request(
        'measure',
        {},
        {
          onPart: (point) => {
            if (asked !== summary.peek() || (dense && points.length)) return;
            points.push(point);
            scan.value = { step: at, points: [...points] };
            // Its other values would all be the same.
            if (dense) client.request('cancel', { id: request.id }).catch(() => {});
          },
        },
      );
      scanId = request.id;
      try {
        await request;
      } finally {
        scanId = undefined;
      }
    },

    stopMeasuring: () => (scanId === undefined ? undefined : client.request('cancel', { id: scanId })),
  };
}

/** @typedef {ReturnType<typeof createLane>} Lane */
