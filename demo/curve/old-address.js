import { curve, drawn } from './data.js';

/** The models of that room. Those with one expert per point had the gate of `gateOf`. */
const usual = {
  experts: 4,
  topK: 1,
  router: 'smoe',
  loadBalanceWeight: 0.02,
  layers: 1,
  dModel: 16,
  learningRate: 0.03,
};

/** @param {string | null} topK */
const gateOf = (topK) => (topK === '2' ? 'topk-softmax' : 'softmax-topk');

/**
 * The curve had a room of its own: its links lead to the same curve and model in the Playground.
 *
 * @param {string} address
 * @returns {string} other addresses are as they were
 */
export function fromCurveRoom(address) {
  const old = new URLSearchParams(address);
  if (old.get('room') !== 'curve') return address;
  const query = new URLSearchParams(Object.entries(usual).map(([key, value]) => [key, String(value)]));
  query.set('data', curve);
  query.set('gate', gateOf(old.get('topK')));
  for (const key of ['experts', 'topK', 'seed', 'at']) if (old.has(key)) query.set(key, String(old.get(key)));
  const of = old.get('data');
  if (of) query.set('curve', of === 'painted' ? drawn : of);
  if (old.has('painted')) query.set(drawn, String(old.get('painted')));
  return query.toString();
}
