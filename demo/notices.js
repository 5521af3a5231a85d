import { signal } from '@preact/signals';

/**
 * @typedef {object} Notice
 * @property {number} id
 * @property {'note' | 'problem'} kind
 * @property {string} text
 * @property {{ label: string, act: () => void }[]} actions buttons of the notice
 */

/** Notices on screen at a time. */
const maxNotices = 3;

/**
 * The latest messages to the user, without repetition.
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
    notices.value = [...rest.slice(1 - maxNotices), { id: ++last, kind, text, actions }];
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
      // The message of a TextError begins with a file name, which must not be capitalised.
      notify('problem', error instanceof Error && error.name === 'TextError' ? message : sentence(message));
    },
  };
}

/** @param {string} text */
function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
