import { useEffect, useState } from 'preact/hooks';

/**
 * Whether a media query is true, now and when that changes.
 *
 * @param {string} query
 */
export function useMedia(query) {
  const [matches, set] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const onChange = () => set(list.matches);
    onChange();
    list.addEventListener('change', onChange);
    return () => list.removeEventListener('change', onChange);
  }, [query]);
  return matches;
}
