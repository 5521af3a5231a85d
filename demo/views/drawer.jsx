import { useState } from 'preact/hooks';
import { afterPaint } from './deferred.jsx';

/** Names of the drawers that are open, for the visits to come. */
const key = 'hyperrouter-drawers';

/** @returns {string[]} */
function remembered() {
  try {
    const names = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(names) ? names : [];
  } catch {
    // No storage, or what is in it is not ours: all drawers are closed.
    return [];
  }
}

/**
 * @param {string} name
 * @param {boolean} open
 */
function remember(name, open) {
  const others = remembered().filter((other) => other !== name);
  try {
    localStorage.setItem(key, JSON.stringify(open ? [...others, name] : others));
  } catch {
    // Without storage the drawer is closed at the next visit.
  }
}

/**
 * Settings that are one press away: the title says what is in it. It stays open at later visits.
 *
 * @param {object} props
 * @param {string} props.name
 * @param {string} props.title
 * @param {string} [props.about] what is in it, in a few words
 * @param {import('preact').ComponentChildren} props.children rendered only while it is open
 */
export function Drawer({ name, title, about, children }) {
  const [open, setOpen] = useState(() => remembered().includes(name));
  return (
    <details
      class="more drawer"
      data-drawer={name}
      open={open}
      onToggle={({ currentTarget }) => {
        if (currentTarget.open === open) return;
        remember(name, currentTarget.open);
        afterPaint(() => setOpen(currentTarget.open));
      }}
    >
      <summary>
        <span>
          {title}
          {about && <small>{about}</small>}
        </span>
      </summary>
      {open && children}
    </details>
  );
}
