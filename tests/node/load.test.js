/** load(): where the module comes from, and what is said when it is not there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { EngineError, load } from '../../web/index.js';
import { assertWorks, RELAXED } from './helpers.js';

/** @import { AddressInfo } from 'node:net' */
/** @import { Variant, WasmSource } from '../../web/load.js' */

/** @typedef {import('../../web/load.js').LoadOptions} LoadOptions */

/** @param {Variant} variant */
function moduleUrl(variant) {
  return new URL(`../../web/hyperrouter.${variant}.wasm`, import.meta.url);
}

/** @param {Variant} variant */
function moduleBytes(variant) {
  return new Uint8Array(readFileSync(moduleUrl(variant)));
}

/** @param {any} options */
async function loadError(options) {
  try {
    (await load(options)).dispose();
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  assert.fail('it was loaded');
}

/** Answers as servers do: well, with a page instead of the file, or not at all. */
const ANSWERS =
  /** @type {Record<string, [status: number, type: string, body: () => string | Uint8Array]>} */ ({
    '/hyperrouter.wasm': [200, 'application/wasm', () => moduleBytes('simd')],
    '/untyped.wasm': [200, 'application/octet-stream', () => moduleBytes('simd')],
    '/page.wasm': [200, 'text/html; charset=utf-8', () => '<!doctype html><title>Not the module</title>'],
    '/missing.wasm': [404, 'text/html', () => '<h1>Not Found</h1>'],
    '/broken.wasm': [500, 'application/wasm', () => moduleBytes('simd')],
    '/empty.wasm': [200, 'application/wasm', () => ''],
    '/half.wasm': [200, 'application/wasm', () => moduleBytes('simd').subarray(0, 20_000)],
  });

describe('where the module comes from', () => {
  const server = createServer((request, response) => {
    const [status, type, body] = ANSWERS[request.url ?? ''] ?? [404, 'text/plain', () => 'nothing here'];
    response.writeHead(status, { 'content-type': type, connection: 'close' }).end(body());
  });
  let site = '';
  before(async () => {
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    site = `http://127.0.0.1:${/** @type {AddressInfo} */ (server.address()).port}`;
  });
  after(() => server.close());

  /** @type {Record<string, () => WasmSource | Promise<WasmSource>>} */
  const sources = {
    'a Uint8Array': () => moduleBytes('simd'),
    'a part of a larger array': () => {
      const bytes = moduleBytes('simd');
      const larger = new Uint8Array(bytes.length + 10);
      larger.set(bytes, 3);
      return larger.subarray(3, 3 + bytes.length);
    },
    'a Buffer': () => readFileSync(moduleUrl('simd')),
    'an ArrayBuffer': () => moduleBytes('simd').buffer,
    'a WebAssembly.Module': () => new WebAssembly.Module(moduleBytes('simd')),
    'a file URL': () => moduleUrl('simd'),
    'a file URL as text': () => moduleUrl('simd').href,
    'a relative URL': () => './hyperrouter.simd.wasm',
    'a data URL': () => `data:application/wasm;base64,${Buffer.from(moduleBytes('simd')).toString('base64')}`,
    'an http URL': () => new URL(`${site}/hyperrouter.wasm`),
    'an http URL as text': () => `${site}/hyperrouter.wasm`,
    'a server that does not know the type': () => `${site}/untyped.wasm`,
    'a Response': () => new Response(moduleBytes('simd')),
    'a promise of a Response': () => fetch(`${site}/hyperrouter.wasm`),
    'a promise of a Module': () => WebAssembly.compile(moduleBytes('simd')),
    'a promise of bytes': async () => moduleBytes('simd'),
  };
  for (const [name, source] of Object.entries(sources)) {
    test(name, async () => {
      for (const variant of /** @type {const} */ (['auto', 'simd'])) {
        const engine = await load({ wasm: source(), variant });
        assert.equal(engine.info.variant, 'simd');
        assertWorks(engine);
        engine.dispose();
      }
    });
  }

  test('the same Module for several engines', async () => {
    const wasm = await WebAssembly.compile(moduleBytes('simd'));
    const engines = await Promise.all([load({ wasm }), load({ wasm }), load({ wasm })]);
    for (const engine of engines) assertWorks(engine);
    for (const engine of engines) engine.dispose();
  });

  test('a module of another variant than requested', async () => {
    const error = await loadError({ variant: 'relaxed-simd', wasm: moduleBytes('simd') });
    assert.ok(error instanceof EngineError);
    assert.match(error.message, /variant is "relaxed-simd", but the given module is "simd"/);
    if (!RELAXED) return;
    const other = await loadError({ variant: 'simd', wasm: moduleBytes('relaxed-simd') });
    assert.ok(other instanceof EngineError);
    assert.match(other.message, /variant is "simd", but the given module is "relaxed-simd"/);
    const engine = await load({ wasm: moduleBytes('relaxed-simd') });
    assert.equal(engine.info.variant, 'relaxed-simd');
    engine.dispose();
  });

  /** @type {[string, () => unknown, RegExp][]} */
  const wrongBytes = [
    [
      'an HTML page',
      () => new TextEncoder().encode('<!DOCTYPE html><html></html>'),
      /28 bytes .*"<!DOCTYPE html>/,
    ],
    ['a JSON file', () => new TextEncoder().encode('{"error":404}'), /13 bytes .*error/],
    ['nothing', () => new Uint8Array(0), /0 bytes/],
    ['a few bytes', () => Uint8Array.of(0, 97, 115, 109), /4 bytes/],
    ['half a module', () => moduleBytes('simd').subarray(0, 20_000), /cannot be compiled/],
    ['a version from the future', () => Uint8Array.of(0, 97, 115, 109, 2, 0, 0, 0), /cannot be compiled/],
    ['an empty module', () => Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0), /not from hyperrouter-wasm/],
    [
      'a Response with a page',
      () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      /text\/html.*<html>/,
    ],
    ['a Response of an error', () => new Response('no', { status: 503 }), /status 503/],
  ];
  for (const [name, source, message] of wrongBytes) {
    test(`wrong bytes: ${name}`, async () => {
      const error = await loadError({ wasm: source() });
      assert.ok(error instanceof EngineError, String(error));
      assert.match(error.message, message);
    });
  }

  test('a module that needs imports that are not there', async () => {
    // (module (import "env" "f" (func)))
    const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 9, 1, 3, 101, 110, 118, 1, 102, 0, 0];
    const error = await loadError({ wasm: Uint8Array.from(bytes) });
    assert.ok(error instanceof EngineError, String(error));
    assert.match(error.message, /cannot be started/);
  });

  /** @type {[string, RegExp][]} */
  const wrongUrls = [
    ['/missing.wasm', /answered with status 404 \(text\/html\)/],
    ['/broken.wasm', /answered with status 500/],
    ['/page.wasm', /\(text\/html; charset=utf-8\) is not WebAssembly: it has 44 bytes .*<!doctype html>/],
    ['/empty.wasm', /0 bytes/],
    ['/half.wasm', /cannot be compiled/],
  ];
  for (const [path, message] of wrongUrls) {
    test(`wrong answers: ${path}`, async () => {
      const url = `${site}${path}`;
      for (const wasm of [url, new URL(url), fetch(url)]) {
        const error = await loadError({ wasm });
        assert.ok(error instanceof EngineError, String(error));
        assert.ok(error.message.includes(url), error.message);
        assert.match(error.message, message);
      }
    });
  }

  test('a missing server, a missing file', async () => {
    const closed = createServer();
    await new Promise((resolve) => closed.listen(0, '127.0.0.1', () => resolve(undefined)));
    const { port } = /** @type {AddressInfo} */ (closed.address());
    await new Promise((resolve) => closed.close(resolve));
    const missing = pathToFileURL('/nowhere/hyperrouter.wasm').href;
    for (const wasm of [`http://127.0.0.1:${port}/hyperrouter.wasm`, missing]) {
      const error = await loadError({ wasm });
      assert.ok(error instanceof EngineError, String(error));
      assert.ok(error.message.startsWith(`${wasm} cannot be read`), error.message);
      assert.ok(error.cause instanceof Error);
    }
  });

  test('not a source at all', async () => {
    for (const wasm of [null, 7, true, {}, [], () => 1, new Float32Array(8), Promise.resolve(7)]) {
      const error = await loadError({ wasm });
      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, /^wasm must be a URL, a Response, .* got /);
    }
  });

  test('an invalid URL', async () => {
    const error = await loadError({ wasm: 'http://' });
    assert.ok(error instanceof TypeError, String(error));
    assert.match(error.message, /^wasm .*"http:\/\/"/);
  });

  test('a promise that fails, fails the same way', async () => {
    const mine = new Error('mine');
    assert.equal(await loadError({ wasm: Promise.reject(mine) }), mine);
  });
});

describe('options of load', () => {
  test('variant', async () => {
    for (const variant of ['fast', '', 'SIMD', null, 1, {}]) {
      const error = await loadError({ variant });
      assert.ok(error instanceof RangeError, String(error));
      assert.match(error.message, /^variant must be one of "auto", "simd", "relaxed-simd", got /);
    }
  });

  test('invalid options', async () => {
    for (const options of [null, 7, 'simd', true]) {
      const error = await loadError(options);
      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, /^options must be an object, got /);
    }
  });

  test('a misspelt option', async () => {
    const error = await loadError({ varient: 'simd' });
    assert.ok(error instanceof TypeError);
    assert.match(error.message, /^options\.varient is not a key of load; the keys are: variant, /);
  });

  test('auto takes what runs here', async () => {
    for (const engine of [await load(), await load({}), await load({ variant: 'auto' })]) {
      assert.equal(engine.info.variant, RELAXED ? 'relaxed-simd' : 'simd');
      assertWorks(engine);
      engine.dispose();
    }
  });

  test('relaxed SIMD where there is none', { skip: RELAXED && 'there is relaxed SIMD here' }, async () => {
    const error = await loadError({ variant: 'relaxed-simd' });
    assert.ok(error instanceof EngineError);
    assert.match(error.message, /relaxed SIMD is not supported here/);
  });
});
