// Serves the repository to the page, cross-origin isolated: the page's clock is then exact to 5 µs.
import { fileURLToPath } from 'node:url';
import { serveFolder } from '../static-server.js';

const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cache-Control': 'no-store',
};

export const serve = () => serveFolder(fileURLToPath(new URL('../..', import.meta.url)), () => headers);
