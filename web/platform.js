/**
 * Classes of the platform in the package's types. A program whose types know none of them (no DOM, no Node) compiles with
 * these types too: there they are what the package needs of them.
 */

/**
 * @typedef {typeof globalThis extends { AbortSignal: { prototype: infer T } } ? T : { readonly aborted: boolean }} Signal
 * An `AbortSignal`.
 */

/**
 * @typedef {typeof globalThis extends { URL: { prototype: infer T } } ? T : { readonly href: string }} PlatformURL
 * A `URL`.
 */

/**
 * @typedef {typeof globalThis extends { Response: { prototype: infer T } } ? T : { readonly ok: boolean }} PlatformResponse
 * A `Response`.
 */

/**
 * @typedef {{ postMessage(message: any): void, terminate(): unknown }} PlatformWorker
 * A `Worker` of a browser, or of Node's `worker_threads`.
 */

/**
 * @typedef {typeof globalThis extends { WebAssembly: { Module: { prototype: infer T } } } ? T : object} WasmModule
 * A `WebAssembly.Module`.
 */

/**
 * @typedef {typeof globalThis extends { WebAssembly: { Memory: { prototype: infer T } } } ? T : object} WasmMemory
 * A `WebAssembly.Memory`.
 */

/**
 * @typedef {typeof globalThis extends { WebAssembly: { Instance: { prototype: infer T } } } ? T : object} WasmInstance
 * A `WebAssembly.Instance`.
 */

export {};
