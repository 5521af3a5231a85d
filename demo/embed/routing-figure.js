/**
 * `<routing-figure>`: a live figure of the demo in any page. Importing this file from a build of the demo defines the
 * element; the page of that build is shown in a frame.
 *
 * Attributes: `part` (stage, map, load or loss; stage by default), `height` in CSS pixels, `label` for screen readers, and
 * `settings` as in the address of the demo after `#`, such as `router=smoe&experts=8`.
 */

import { heights, partOf } from './address.js';

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
    const part = partOf(this.getAttribute('part') ?? '');
    const url = new URL(page);
    url.searchParams.set('embed', part);
    url.hash = this.getAttribute('settings') ?? '';
    if (frame.src !== url.href) frame.src = url.href;
    const height = Number(this.getAttribute('height'));
    frame.height = String(height > 0 ? Math.round(height) : heights[part]);
    frame.title = this.getAttribute('label') ?? 'Mixture of experts, live';
  }
}

// Two copies of this file in one page define it once.
if (!customElements.get('routing-figure')) customElements.define('routing-figure', RoutingFigure);
