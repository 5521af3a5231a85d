import { useEffect, useState } from 'preact/hooks';

/** As in styles/layout.css. */
const query = '(max-width: 43.99rem)';

/** Whether the screen is narrow, as that of a phone. */
export function useNarrow() {
  const [narrow, setNarrow] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const onChange = () => setNarrow(list.matches);
    list.addEventListener('change', onChange);
    return () => list.removeEventListener('change', onChange);
  }, []);
  return narrow;
}
