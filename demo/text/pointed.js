import { computed, signal } from '@preact/signals';

/**
 * The token that goes through the machine: the one under the pointer, in the held-out passage or in generated text, or
 * else the one that the arrow keys reached last.
 *
 * @typedef {'probe' | 'written'} Where
 *
 * @param {Record<Where, import('@preact/signals').ReadonlySignal<import('./run.js').RoutedText | null>>} texts
 */
export function createPointed(texts) {
  const places = {
    probe: { cursor: signal(0), hovered: signal(/** @type {number | null} */ (null)) },
    written: { cursor: signal(0), hovered: signal(/** @type {number | null} */ (null)) },
  };
  /** The text in which a token was chosen last. */
  const last = signal(/** @type {Where} */ ('probe'));
  const where = computed(() => {
    if (places.written.hovered.value !== null) return 'written';
    if (places.probe.hovered.value !== null) return 'probe';
    return texts[last.value].value ? last.value : 'probe';
  });
  return {
    places,
    /** @param {Where} text in which a token is chosen */
    choose: (text) => {
      last.value = text;
    },
    shown: computed(() => {
      const { cursor, hovered } = places[where.value];
      const text = texts[where.value].value;
      const count = text?.tokens.length ?? 1;
      return { text, index: Math.min(hovered.value ?? cursor.value, count - 1) };
    }),
  };
}

/** @typedef {ReturnType<typeof createPointed>} Pointed */
