import { wholeAddress } from './address.js';

/**
 * An embedded figure, and the way to the page that it is from.
 *
 * @param {object} props
 * @param {string} props.part its name
 * @param {string} [props.room] where it is not the Playground
 * @param {string} props.settings as in the address
 * @param {import('preact').ComponentChildren} props.children
 */
export function Embedded({ part, room, settings, children }) {
  const all = [room && `room=${room}`, settings].filter(Boolean).join('&');
  return (
    <>
      <h1 class="unseen">Mixture of experts, live</h1>
      <div class={`embedded embedded-${part}`}>{children}</div>
      <p class="embedded-whole">
        <a href={wholeAddress(location.href, all)} target="_blank" rel="noopener">
          Open the whole
        </a>
      </p>
    </>
  );
}
