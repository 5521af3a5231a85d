import { useState } from 'preact/hooks';
import { canEmbed, embedLine, partNames } from '../embed/address.js';

const labels = { stage: 'Model and map', map: 'Map of experts', load: 'Expert load', loss: 'Loss' };

/** The line that embeds a figure of this run in another page. */
export function ShareEmbed() {
  const [part, setPart] = useState(partNames[0]);
  if (!canEmbed(location.hash)) return null;
  return (
    <details class="more share-embed">
      <summary>Embed a figure in a page</summary>
      <label>
        Figure{' '}
        <select
          value={part}
          onChange={({ currentTarget }) => setPart(partNames[currentTarget.selectedIndex])}
        >
          {partNames.map((name) => (
            <option key={name} value={name}>
              {labels[name]}
            </option>
          ))}
        </select>
      </label>
      <textarea
        readOnly
        rows={4}
        aria-label="HTML to embed the figure"
        value={embedLine(location.href, part)}
        onFocus={({ currentTarget }) => currentTarget.select()}
      />
    </details>
  );
}
