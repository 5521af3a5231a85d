import { useState } from 'preact/hooks';
import { embedLine, partsOf } from '../embed/address.js';

/** @type {Record<import('../embed/address.js').PartName, string>} */
const labels = {
  stage: 'Model, live',
  map: 'Map of experts',
  text: 'Text in the experts’ colours',
  load: 'Expert load',
  loss: 'Loss',
  collapse: 'Tokens and rows of R',
};

/** The line that embeds a figure of this run in another page. */
export function ShareEmbed() {
  const parts = partsOf(location.hash);
  const [part, setPart] = useState(parts[0]);
  if (!parts.length) return null;
  return (
    <details class="more share-embed">
      <summary>Embed a figure in a page</summary>
      <label>
        Figure{' '}
        <select value={part} onChange={({ currentTarget }) => setPart(parts[currentTarget.selectedIndex])}>
          {parts.map((name) => (
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
