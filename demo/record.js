import { computed, signal } from '@preact/signals';
import { count } from './format.js';

/**
 * @typedef {import('./schema.js').Value} Value
 *
 * @typedef {object} LiveChange a setting that became another while the model was there
 * @property {number} step the last one before it took effect
 * @property {string} key
 * @property {Value} from
 * @property {Value} to
 *
 * @typedef {object} Origin where a run began
 * @property {'built' | 'opened' | 'rewound'} kind
 * @property {number} step
 */

/**
 * What sets a run apart from the one that its address describes: where it began, what was changed on its way, and
 * which of its data no address holds.
 *
 * @param {(key: string) => string} labelOf the name of a setting
 */
export function createRecord(labelOf) {
  const origin = signal(/** @type {Origin} */ ({ kind: 'built', step: 0 }));
  const changes = signal(/** @type {readonly LiveChange[]} */ ([]));
  const missing = signal('');
  /** @type {Record<string, Value>} the settings that the running model has */
  let settings = {};

  /** Why whoever opens the address sees another run, a sentence each; empty: they see the same. */
  const departures = computed(() => [
    ...missingInWords(missing.value),
    ...originInWords(origin.value),
    ...changesInWords(changes.value, labelOf),
  ]);

  return {
    signals: { origin, changes, departures },

    /**
     * Another model is there.
     *
     * @param {Origin} from
     * @param {Record<string, Value>} at what may be changed while it trains, as it is now
     * @param {string} without what of its data no address holds, in words; empty: nothing
     */
    begin(from, at, without) {
      origin.value = from;
      settings = at;
      changes.value = [];
      missing.value = without;
    },

    /**
     * @param {number} step the last one with the settings before
     * @param {Record<string, Value>} next any of them
     */
    change(step, next) {
      for (const [key, to] of Object.entries(next)) {
        if (!(key in settings) || settings[key] === to) continue;
        changes.value = withChange(changes.peek(), { step, key, from: settings[key], to });
        settings = { ...settings, [key]: to };
      }
    },
  };
}

/**
 * What is changed twice without a step between is changed once, or not at all.
 *
 * @param {readonly LiveChange[]} changes
 * @param {LiveChange} next
 */
function withChange(changes, next) {
  const before = changes.find(({ step, key }) => step === next.step && key === next.key);
  const rest = changes.filter((change) => change !== before);
  const merged = before ? { ...next, from: before.from } : next;
  return merged.from === merged.to ? rest : [...rest, merged];
}

/** @param {string} missing */
function missingInWords(missing) {
  return missing
    ? [`The link does not hold ${missing}. Whoever opens it needs that too, and opens it there.`]
    : [];
}

/** @param {Origin} origin */
function originInWords({ kind, step }) {
  if (kind === 'opened') {
    return [`This model was opened from a file, at step ${count(step)}. The link begins with a new one.`];
  }
  if (kind === 'rewound' && step > 0) {
    return [`After a breakdown this run went back to step ${count(step)}. The link begins at step 0.`];
  }
  return [];
}

/**
 * Before the first step, a change is as good as a setting.
 *
 * @param {readonly LiveChange[]} changes
 * @param {(key: string) => string} labelOf
 */
function changesInWords(changes, labelOf) {
  const late = changes.filter(({ step }) => step > 0);
  if (!late.length) return [];
  const words = late.map(
    ({ step, key, from, to }) => `${labelOf(key)} ${from} → ${to} at step ${count(step)}`,
  );
  const named = words.length > 4 ? [`${words.length - 3} more before`, ...words.slice(-3)] : words;
  return [`Changed on the way: ${named.join('; ')}. The link has the last values from the first step on.`];
}
