/**
 * The service worker: it keeps the files of the build, serves them offline, and makes the page cross-origin isolated, so
 * that threads can share memory where the host does not send the headers for it. It serves nothing else. The build
 * writes this function into its own file, so it must not use anything from outside.
 *
 * All files except the page itself have a content hash in their name: the same name means the same content in every
 * version. A page is always served from one version; the previous version stays for open tabs.
 *
 * @typedef {object} Build
 * @property {string} version
 * @property {string} [entry] the script that the page of this version loads, as its HTML names it; without it, any page
 *   that is complete is taken for this version
 * @property {Record<string, string> | string[]} files SHA-256 by path, relative to the page, without the page itself; or the
 *   paths, whose content is not compared then
 * @property {string} [settings] name of the cache with what the user has chosen, see `isolation.js`
 *
 * @param {any} scope ServiceWorkerGlobalScope
 * @param {Build} build
 */
export function serve(scope, { version, entry = '', files: listed, settings = '' }) {
  /** @type {Record<string, string>} */
  const files = Array.isArray(listed)
    ? Object.fromEntries(listed.filter((path) => path !== './').map((path) => [path, '']))
    : listed;
  const base = scope.registration.scope;
  const prefix = `hyperrouter ${base} `;
  const current = prefix + version;
  /** A file of this build or of one before, whose pages may still be open. */
  const hashedName = /^assets\/[\w.-]+-[\w-]{8}\.[a-z]+$/;

  scope.addEventListener('install', (/** @type {any} */ event) => {
    // The next load gets this version; open tabs find their files in the previous version.
    event.waitUntil(keepAll().then(() => scope.skipWaiting()));
  });

  scope.addEventListener('activate', (/** @type {any} */ event) => {
    event.waitUntil(dropOld().then(() => scope.clients.claim()));
  });

  scope.addEventListener('fetch', (/** @type {any} */ event) => {
    const { method, url, mode, headers } = event.request;
    if (method !== 'GET' || !url.startsWith(base) || headers.has('range')) return;
    const path = url.slice(base.length).replace(/#.*$/, '');
    if (mode !== 'navigate') {
      if (Object.hasOwn(files, path) || hashedName.test(path)) event.respondWith(answer(event.request, path));
    } else if (['', 'index.html'].includes(path.replace(/\?.*$/, ''))) {
      event.respondWith(answer(event.request, ''));
    }
  });

  /** One file after the other: all at once take a core from a page that draws while it trains. */
  async function keepAll() {
    const before = await Promise.all(
      (await namesOfAll()).map(async (name) => (await scope.caches.open(name)).keys()),
    );
    const known = new Set(before.flat().map(({ url }) => url));
    const cache = await scope.caches.open(current);
    for (const path of ['', ...Object.keys(files)]) {
      const earlier = path && known.has(base + path) && (await kept(path));
      const response = earlier || (await load(path));
      if (response === undefined)
        throw new Error(`${base}${path} is not what this version of the page needs`);
      if (response) await cache.put(base + path, response);
    }
  }

  /**
   * From the network, past what the browser has of the page.
   *
   * @param {string} path
   * @returns {Promise<Response | null | undefined>} undefined: what came is not the file; null: the host redirects the page,
   *   as to `index.html`, and it is kept when it is visited there
   */
  async function load(path) {
    const response = await scope.fetch(base + path, { cache: path ? 'default' : 'reload' });
    const file = await whole(path, response);
    if (file) return file;
    // A proxy or the browser itself may have kept something wrong under this name.
    if (!path) return response.redirected ? null : undefined;
    return whole(path, await scope.fetch(base + path, { cache: 'reload' }));
  }

  /**
   * A response that is the whole file and nothing else, read to its end: hosts and networks answer with pages of their
   * own, redirect, or have another version.
   *
   * @param {string} path
   * @param {Response} response whose body nobody else reads
   * @returns {Promise<Response | undefined>}
   */
  async function whole(path, response) {
    if (response.status !== 200 || response.redirected || response.type === 'opaque') return undefined;
    const bytes = await response.arrayBuffer();
    return (await isContent(path, bytes, response.headers))
      ? new Response(bytes, { headers: response.headers })
      : undefined;
  }

  /**
   * @param {string} path
   * @param {ArrayBuffer} bytes
   * @param {Headers} headers
   */
  async function isContent(path, bytes, headers) {
    // Hosts may add to the page. It is the page of this version if it loads its script.
    if (!path) return new TextDecoder().decode(bytes).includes(entry);
    // Of a version before its hash is not known any more; nor is it where only paths are listed.
    if (!Object.hasOwn(files, path) || files[path] === '')
      return !/html/.test(headers.get('content-type') ?? '');
    const hash = new Uint8Array(await scope.crypto.subtle.digest('SHA-256', bytes));
    return files[path] === Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  /** @returns {Promise<string[]>} the caches of all versions that there are */
  async function namesOfAll() {
    return (await scope.caches.keys()).filter((/** @type {string} */ name) => name.startsWith(prefix));
  }

  /**
   * @param {string} path
   * @returns {Promise<Response | undefined>} from the caches; what is broken there is gone
   */
  async function kept(path) {
    const others = path ? (await namesOfAll()).filter((name) => name !== current).reverse() : [];
    for (const name of [current, ...others]) {
      const cache = await scope.caches.open(name);
      // The content does not depend on request headers, whatever the host's Vary header says.
      const response = await cache.match(base + path, { ignoreVary: true });
      if (!response) continue;
      const file = await whole(path, response);
      if (file) return file;
      await cache.delete(base + path, { ignoreVary: true });
    }
    return undefined;
  }

  async function dropOld() {
    const others = (await namesOfAll()).filter((name) => name !== current);
    await Promise.all(others.slice(0, -1).map((name) => scope.caches.delete(name)));
  }

  /**
   * @param {Request} request
   * @param {string} path
   */
  async function answer(request, path) {
    const response = await kept(path).catch(() => undefined);
    if (response) return isolated(request, response);
    // Goes as the page asked for it: a redirect is the browser's to follow.
    const fetched = await scope.fetch(request);
    const file = path === '' || Object.hasOwn(files, path) ? await whole(path, fetched.clone()) : undefined;
    if (file)
      await scope.caches
        .open(current)
        .then((/** @type {any} */ cache) => cache.put(base + path, file))
        .catch(() => {});
    return isolated(request, fetched);
  }

  /**
   * @param {Request} request
   * @param {Response} response
   */
  async function isolated(request, response) {
    if (request.mode !== 'navigate' && !/worker/.test(request.destination)) return response;
    if (response.status !== 200 || response.redirected || (await isOff())) return response;
    const headers = new Headers(response.headers);
    headers.set('Cross-Origin-Opener-Policy', 'same-origin');
    headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
    return new Response(response.body, { status: response.status, headers });
  }

  async function isOff() {
    if (!(await scope.caches.has(settings))) return false;
    const cache = await scope.caches.open(settings);
    return (await cache.match(`${base}isolation`)) !== undefined;
  }
}
