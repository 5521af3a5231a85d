/**
 * The service worker: caches the files of the page and serves them offline. The build writes this function into its own
 * file, so it must not use anything from outside.
 *
 * All files except the page itself have a content hash in their name: the same name means the same content in every
 * version. A page is always served from one version; the previous version stays cached for open tabs.
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
    // The next load gets this version; open tabs find their files in the previous version.
    event.waitUntil(cacheAll().then(() => scope.skipWaiting()));
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

  async function cacheAll() {
    const cache = await scope.caches.open(current);
    await Promise.all(files.map((file) => add(cache, new URL(file, base).href)));
  }

  /** @param {Cache} cache @param {string} url */
  async function add(cache, url) {
    const cached = url === page ? undefined : await scope.caches.match(url);
    const response = cached ?? (await scope.fetch(url, { cache: url === page ? 'reload' : 'default' }));
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
    // The content does not depend on request headers, whatever the host's Vary header says.
    const options = { ignoreVary: true };
    const cached = (await cache.match(request, options)) ?? (await scope.caches.match(request, options));
    if (cached) return cached;
    const response = await scope.fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  }
}
