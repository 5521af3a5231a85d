import { computed, signal } from '@preact/signals';
import { count } from './format.js';

/**
 * @typedef {import('./schema.js').Value} Value
 *
 * @typedef {object} LiveChange a change of a setting of the existing model
 * @property {number} step the last step before it took effect
 * @property {string} key
 * @property {Value} from
 * @property {Value} to
 *
 * @typedef {object} PastRecord
 * @property {Origin} origin
 * @property {readonly LiveChange[]} changes
 * @property {string} missing
 * @property {Record<string, Value>} settings
 *
 * @typedef {object} Origin how a run began
 * @property {'built' | 'opened' | 'rewound'} kind
 * @property {number} step
 */

/**
 * Records how a run differs from the one that its link reproduces: how it began, what was changed during training, and
 * which data the link does not contain.
 *
 * @param {(key: string) => string} labelOf label of a setting
 */
export function createRecord(labelOf) {
  const origin = signal(/** @type {Origin} */ ({ kind: 'built', step: 0 }));
  const changes = signal(/** @type {readonly LiveChange[]} */ ([]));
  const missing = signal('');
  /** @type {Record<string, Value>} the live settings of the model */
  let settings = {};

  /** Why the link gives another run, one sentence per reason; empty: it gives the same run. */
  const departures = computed(() => [
    ...missingInWords(missing.value),
    ...originInWords(origin.value),
    ...changesInWords(changes.value, labelOf),
  ]);

  return {
    signals: { origin, changes, departures },

    /**
     * Starts the record of another model.
     *
     * @param {Origin} from
     * @param {Record<string, Value>} at its live settings
     * @param {string} without the data that the link does not contain, in words; empty: none
     */
    begin(from, at, without) {
      origin.value = from;
      settings = at;
      changes.value = [];
      missing.value = without;
    },

    /** What is recorded, to go back to it. @returns {PastRecord} */
    past: () => ({
      origin: origin.peek(),
      changes: changes.peek(),
      missing: missing.peek(),
      settings,
    }),

    /** @param {PastRecord} past */
    goBack(past) {
      origin.value = past.origin;
      changes.value = past.changes;
      missing.value = past.missing;
      settings = past.settings;
    },

    /**
     * @param {number} step the last step with the old settings
     * @param {Record<string, Value>} next the changed settings
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
 * Merges two changes of a setting at the same step; they may cancel out.
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
    ? [
        `The link does not contain ${missing}. The other person needs this file too, and has to open it there.`,
      ]
    : [];
}

/** @param {Origin} origin */
function originInWords({ kind, step }) {
  if (kind === 'opened') {
    return [`This model was opened from a file, at step ${count(step)}. The link starts with a new model.`];
  }
  if (kind === 'rewound' && step > 0) {
    return [`This run diverged and was restored from step ${count(step)}. The link starts at step 0.`];
  }
  return [];
}

/**
 * Changes before the first step do not count: the link contains the new values.
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
  const named = words.length > 4 ? [`${words.length - 3} earlier changes`, ...words.slice(-3)] : words;
  return [
    `Changed during training: ${named.join('; ')}. The link uses the final values from the first step.`,
  ];
}
