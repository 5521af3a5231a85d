import { useEffect, useState } from 'preact/hooks';

/** A screen as that of a phone, as in the style sheets. */
export const narrow = '(max-width: 43.99rem)';

/**
 * Whether a media query holds.
 *
 * @param {string} query
 */
export function useMedia(query) {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const onChange = () => setMatches(list.matches);
    onChange();
    list.addEventListener('change', onChange);
    return () => list.removeEventListener('change', onChange);
  }, [query]);
  return matches;
}
