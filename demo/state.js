import { batch, computed, signal } from '@preact/signals';

/** @typedef {import('./schema.js').Setting} Setting */
/** @typedef {import('./schema.js').Value} Value */
/** @typedef {import('./schema.js').Values} Values */

/**
 * @param {number} value
 * @param {Setting} setting
 */
function toStep(value, { step, min = 0 }) {
  if (!step) return value;
  // Removes rounding errors: 0.15, not 0.15000000000000002.
  return Number((min + Math.round((value - min) / step) * step).toPrecision(12));
}

/**
 * The upper limit of a number. Another setting may lower it.
 *
 * @param {Setting} setting
 * @param {Values} values
 */
export function maxOf(setting, values) {
  const max = setting.max ?? Infinity;
  return setting.maxKey ? Math.min(max, Number(values[setting.maxKey])) : max;
}

/**
 * @param {Setting} setting
 * @param {unknown} raw from a control, the address or a file
 * @param {Values} values the other settings, which may limit this one
 * @returns {{ value: Value, problem?: string }} the nearest allowed value, and what was wrong
 */
export function validate(setting, raw, values) {
  const { key, type } = setting;
  if (type === 'boolean') {
    if (typeof raw === 'boolean') return { value: raw };
    if (raw === '1' || raw === 'true') return { value: true };
    if (raw === '0' || raw === 'false') return { value: false };
    return { value: setting.default, problem: `${key} is “${raw}”; it must be 1 or 0` };
  }
  if (type === 'choice') {
    const choices = setting.choices ?? [];
    if (choices.some(({ value }) => value === raw)) return { value: /** @type {string} */ (raw) };
    const list = choices.map(({ value }) => value).join(', ');
    return { value: setting.default, problem: `${key} is “${raw}”; it must be one of ${list}` };
  }
  if (type === 'text') {
    const text = String(raw);
    const max = setting.max ?? Infinity;
    if (text.length <= max) return { value: text };
    return { value: text.slice(0, max), problem: `${key} is longer than ${max} characters and was cut` };
  }
  const number =
    typeof raw === 'number' ? raw : typeof raw === 'string' && raw.trim() ? Number(raw) : Number.NaN;
  const min = setting.min ?? -Infinity;
  const max = maxOf(setting, values);
  if (Number.isNaN(number)) {
    const value = Math.min(max, Math.max(min, Number(setting.default)));
    return { value, problem: `${key} is “${raw}”; it must be a number from ${min} to ${max}` };
  }
  const whole = type === 'integer' ? Math.round(number) : number;
  const value = Math.min(max, Math.max(min, toStep(Math.min(max, Math.max(min, whole)), setting)));
  if (value === number) return { value };
  const kind = type === 'integer' ? 'a whole number' : 'a number';
  const steps = setting.step ? ` in steps of ${setting.step}` : '';
  return {
    value,
    problem: `${key} is ${raw}; it must be ${kind} from ${min} to ${max}${steps}, so it was set to ${value}`,
  };
}

/**
 * @typedef {object} Change an undoable change of settings
 * @property {string} key the setting that was changed
 * @property {Values} before the values of every key that changed with it
 * @property {Values} after
 * @property {number} at milliseconds
 */

const maxChanges = 100;
/** Milliseconds. Changes of one setting in quick succession count as one. */
const sameChangeWithin = 1000;

/**
 * The settings of a room as signals, with undo, written to the address and read from it.
 *
 * @param {readonly Setting[]} schema
 * @param {object} [options]
 * @param {(values: Values) => { entries: [string, Value][], problem: string } | null} [options.settle] other settings that
 *   must change with those that were set, and why
 */
export function createState(schema, { settle } = {}) {
  const settings = new Map(schema.map((setting) => [setting.key, setting]));
  const signals = new Map(schema.map((setting) => [setting.key, signal(setting.default)]));

  const values = computed(() => {
    /** @type {Values} */
    const all = {};
    for (const [key, { value }] of signals) all[key] = value;
    return all;
  });

  /** @param {string} key */
  function settingOf(key) {
    const setting = settings.get(key);
    if (!setting) throw new RangeError(`unknown setting “${key}”`);
    return setting;
  }

  /** @param {string} key */
  function signalOf(key) {
    settingOf(key);
    return /** @type {import('@preact/signals').Signal<Value>} */ (signals.get(key));
  }

  /** Lowers settings that another one limits, such as k when there are fewer experts. */
  function fitLimits() {
    /** @type {string[]} */
    const problems = [];
    for (const setting of schema) {
      if (!setting.maxKey) continue;
      const target = signalOf(setting.key);
      const max = maxOf(setting, values.value);
      if (Number(target.peek()) <= max) continue;
      problems.push(
        `${setting.label} was lowered from ${target.peek()} to ${max}, the number of ${setting.maxKey}`,
      );
      target.value = max;
    }
    return problems;
  }

  /**
   * @param {Iterable<[string, unknown]>} entries
   * @returns {string[]} what was wrong; all other entries were set
   */
  function setAll(entries) {
    /** @type {string[]} */
    const problems = [];
    batch(() => {
      // Limits first, so that a value is checked against the limit that comes with it.
      const given = [...entries].filter(([key]) => settings.has(key));
      given.sort(([a], [b]) => Number(!!settingOf(a).maxKey) - Number(!!settingOf(b).maxKey));
      for (const [key, raw] of given) {
        const { value, problem } = validate(settingOf(key), raw, values.value);
        signalOf(key).value = value;
        if (problem) problems.push(problem);
      }
      problems.push(...fitLimits());
      const settled = settle?.(values.value);
      if (!settled) return;
      for (const [key, value] of settled.entries) signalOf(key).value = value;
      problems.push(settled.problem);
    });
    return problems;
  }

  const undoable = signal(/** @type {readonly Change[]} */ ([]));
  const redoable = signal(/** @type {readonly Change[]} */ ([]));
  /** Whether an undo or redo is setting the settings. */
  let goingBack = false;

  /**
   * Calls a function and records the settings that it changes.
   *
   * @template T
   * @param {string} key
   * @param {() => T} act
   * @param {boolean} [apart] never merges it with the last change
   * @returns {T}
   */
  function remember(key, act, apart = false) {
    const old = values.peek();
    const result = act();
    const now = values.peek();
    const changed = Object.keys(now).filter((name) => old[name] !== now[name]);
    if (!changed.length) return result;
    const pick = (/** @type {Values} */ from) =>
      Object.fromEntries(changed.map((name) => [name, from[name]]));
    const change = { key, before: pick(old), after: pick(now), at: Date.now() };
    const last = undoable.peek().at(-1);
    const same = !apart && last?.key === key && change.at - last.at < sameChangeWithin;
    const merged = same
      ? { ...change, before: { ...change.before, ...last.before }, after: { ...last.after, ...change.after } }
      : change;
    undoable.value = [...undoable.peek().slice(0, same ? -1 : undefined), merged].slice(-maxChanges);
    redoable.value = [];
    return result;
  }

  /**
   * @param {import('@preact/signals').Signal<readonly Change[]>} from
   * @param {import('@preact/signals').Signal<readonly Change[]>} to
   * @param {'before' | 'after'} side
   * @returns {Change | undefined} undefined if there is nothing to undo or redo
   */
  function step(from, to, side) {
    const change = from.peek().at(-1);
    if (!change) return undefined;
    goingBack = true;
    try {
      batch(() => {
        setAll(Object.entries(change[side]));
        from.value = from.peek().slice(0, -1);
        // Later changes must not be merged with this one.
        to.value = [...to.peek(), { ...change, at: 0 }];
      });
    } finally {
      goingBack = false;
    }
    return change;
  }

  return {
    schema,
    /** All values by key; a signal. */
    values,
    settingOf,
    /** @param {string} key */
    get: (key) => signalOf(key).value,
    /** @param {string} key */
    peek: (key) => signalOf(key).peek(),

    /**
     * @param {string} key
     * @param {unknown} raw
     * @returns {string[]} what was wrong with the value, and which other settings had to change
     */
    set: (key, raw) => {
      settingOf(key);
      return remember(key, () => setAll([[key, raw]]));
    },

    /** Sets several settings without undo, as from a file or after a failed build. */
    setAll: (/** @type {Iterable<[string, unknown]>} */ entries) => setAll(entries),

    /**
     * Sets several settings as one change.
     *
     * @param {string} name key of the setting that names the change
     * @param {Iterable<[string, unknown]>} entries
     */
    setTogether: (name, entries) => remember(name, () => setAll(entries), true),

    /** Changes to undo and redo, the latest last; signals. */
    undoable,
    redoable,
    undo: () => step(undoable, redoable, 'before'),
    /** Undoes changes at once, until as many are left. @param {number} count */
    undoTo: (count) => {
      try {
        batch(() => {
          while (undoable.peek().length > count) step(undoable, redoable, 'before');
          // Those who are told are told at the end of the batch.
          goingBack = true;
        });
      } finally {
        goingBack = false;
      }
    },
    redo: () => step(redoable, undoable, 'after'),
    /** Whether the settings change by undo or redo, for those who are told of the change while it is made. */
    isGoingBack: () => goingBack,
    forgetChanges: () => {
      undoable.value = [];
      redoable.value = [];
    },

    /**
     * The settings that differ from their defaults, as the part of an address after `#`.
     */
    address: computed(() => {
      const query = new URLSearchParams();
      for (const { key, type, default: usual } of schema) {
        const { value } = signalOf(key);
        if (value !== usual) query.set(key, type === 'boolean' ? (value ? '1' : '0') : String(value));
      }
      return query.toString();
    }),

    /**
     * Reads an address: keys that are missing get their defaults, unknown keys are ignored.
     *
     * @param {string} address with or without the `#`
     * @returns {string[]} what was wrong
     */
    readAddress: (address) => {
      const query = new URLSearchParams(address.replace(/^#/, ''));
      const defaults = schema.map(
        ({ key, default: usual }) => /** @type {[string, unknown]} */ ([key, usual]),
      );
      /** @type {string[]} */
      let problems = [];
      batch(() => {
        setAll(defaults);
        problems = setAll(query);
      });
      return problems;
    },
  };
}

/** @typedef {ReturnType<typeof createState>} State */
