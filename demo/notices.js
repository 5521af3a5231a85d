import { signal } from '@preact/signals';

/**
 * @typedef {object} Notice
 * @property {number} id
 * @property {'note' | 'problem'} kind
 * @property {string} text
 * @property {{ label: string, act: () => void }[]} actions what can be done about it
 */

/** How many are shown at a time. */
const most = 3;

/**
 * What went otherwise than wanted: the last few, without repetition.
 */
export function createNotices() {
  const notices = signal(/** @type {Notice[]} */ ([]));
  let last = 0;

  /**
   * @param {Notice['kind']} kind
   * @param {string} text
   * @param {Notice['actions']} [actions]
   */
  function notify(kind, text, actions = []) {
    const rest = notices.peek().filter((notice) => notice.text !== text);
    notices.value = [...rest.slice(1 - most), { id: ++last, kind, text, actions }];
  }

  return {
    notices,
    notify,

    /** @param {number} id */
    dismiss: (id) => {
      notices.value = notices.peek().filter((notice) => notice.id !== id);
    },

    /** @param {unknown} error */
    report: (error) => {
      const message = error instanceof Error ? error.message : String(error);
      // A message on a text begins with its name, which stays as it is.
      notify('problem', error instanceof Error && error.name === 'TextError' ? message : sentence(message));
    },
  };
}

/** @param {string} text */
function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
