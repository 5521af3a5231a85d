/**
 * What the service worker does: it keeps the files of the page, and serves them when there is no network. The build
 * writes this function into a file of its own, so it must not use anything from outside.
 *
 * All files but the page itself have their content's hash in their name: what has the same name is the same in every
 * version. The page is taken as a whole from one version; the version before it is kept too, for tabs that are open.
 *
 * @param {any} scope ServiceWorkerGlobalScope
 * @param {{ version: string, files: string[] }} build files: relative to the page; the first is the page itself
 */
export function serve(scope, { version, files }) {
  const base = scope.registration.scope;
  const prefix = `hyperrouter ${base} `;
  const current = prefix + version;
  const page = new URL(files[0], base).href;

  scope.addEventListener('install', (/** @type {any} */ event) => {
    // The next load has this version; a tab that is open finds its own files in the version before.
    event.waitUntil(keepAll().then(() => scope.skipWaiting()));
  });

  scope.addEventListener('activate', (/** @type {any} */ event) => {
    event.waitUntil(dropOld().then(() => scope.clients.claim()));
  });

  scope.addEventListener('fetch', (/** @type {any} */ event) => {
    const { method, url, mode } = event.request;
    if (method !== 'GET' || !url.startsWith(base)) return;
    if (mode !== 'navigate') event.respondWith(answer(event.request));
    else if ([page, `${page}index.html`].includes(url.split(/[?#]/)[0])) event.respondWith(answer(page));
  });

  async function keepAll() {
    const cache = await scope.caches.open(current);
    await Promise.all(files.map((file) => keep(cache, new URL(file, base).href)));
  }

  /** @param {Cache} cache @param {string} url */
  async function keep(cache, url) {
    const known = url === page ? undefined : await scope.caches.match(url);
    const response = known ?? (await scope.fetch(url, { cache: url === page ? 'reload' : 'default' }));
    if (!response.ok) throw new Error(`${url} could not be loaded (${response.status})`);
    await cache.put(url, response);
  }

  async function dropOld() {
    const all = (await scope.caches.keys()).filter((/** @type {string} */ name) => name.startsWith(prefix));
    const others = all.filter((/** @type {string} */ name) => name !== current);
    await Promise.all(others.slice(0, -1).map((/** @type {string} */ name) => scope.caches.delete(name)));
  }

  /** @param {Request | string} request */
  async function answer(request) {
    const cache = await scope.caches.open(current);
    // Files are the same for whoever asks, whatever a host says that they vary with.
    const ways = { ignoreVary: true };
    const kept = (await cache.match(request, ways)) ?? (await scope.caches.match(request, ways));
    if (kept) return kept;
    const response = await scope.fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  }
}
