/**
 * `<routing-figure>`: a live figure of the demo in any page. Importing this file from a build of the demo defines the
 * element; the page of that build is shown in a frame.
 *
 * Attributes: `settings` as in the address of the demo after `#`, such as `router=smoe&experts=8` or `room=text`; `part`
 * (stage, map, load or loss; of `room=text`, stage, text, load or loss; of `room=collapse`, the one figure there is; the
 * first by default), `height` in CSS pixels, and `label` for screen readers.
 */

import { heightOf, partOf } from './address.js';

const page = new URL(/* @vite-ignore */ './', import.meta.url);

class RoutingFigure extends HTMLElement {
  static observedAttributes = ['part', 'settings', 'height', 'label'];

  /** @type {HTMLIFrameElement | undefined} */
  #frame;

  connectedCallback() {
    if (!this.#frame) {
      this.#frame = document.createElement('iframe');
      this.#frame.loading = 'lazy';
      Object.assign(this.#frame.style, { border: '0', display: 'block', width: '100%' });
      const root = this.attachShadow({ mode: 'open' });
      root.append(this.#frame);
    }
    if (!this.style.display) this.style.display = 'block';
    this.#update();
  }

  attributeChangedCallback() {
    this.#update();
  }

  #update() {
    const frame = this.#frame;
    if (!frame || !this.isConnected) return;
    const settings = this.getAttribute('settings') ?? '';
    const part = partOf(this.getAttribute('part') ?? '', settings);
    const url = new URL(page);
    url.searchParams.set('embed', part);
    url.hash = settings;
    if (frame.src !== url.href) frame.src = url.href;
    const height = Number(this.getAttribute('height'));
    frame.height = String(height > 0 ? Math.round(height) : heightOf(part, settings));
    frame.title = this.getAttribute('label') ?? 'Mixture of experts, live';
  }
}

// Two copies of this file in one page define it once.
if (!customElements.get('routing-figure')) customElements.define('routing-figure', RoutingFigure);
