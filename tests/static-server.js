/** The static server of the tests. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

/** @type {Record<string, string>} */
const types = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** @param {string} path of a file */
export const typeOf = (path) => types[extname(path)] ?? 'application/octet-stream';

/**
 * Serves the files of a folder, on a port of its own.
 *
 * @param {string} folder
 * @param {(path: string) => Record<string, string>} [headersOf] besides the type
 */
export async function serveFolder(folder, headersOf = () => ({})) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = normalize(pathname.replace(/\/$/, '/index.html'));
    try {
      const body = await readFile(join(folder, path));
      response.writeHead(200, { 'Content-Type': typeOf(path), ...headersOf(path) }).end(body);
    } catch {
      response.writeHead(404, { 'Content-Type': 'text/html' }).end('<!doctype html><p>There is no such file');
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
