import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { isIsolationOn, setIsolation } from './isolation.js';
import { canRegister } from './register.js';

/**
 * Says how many threads train, and why not more; a control switches several on and off, from the next load on.
 *
 * @param {object} props
 * @param {number} props.threads of the engine
 * @param {import('@preact/signals').ReadonlySignal<boolean>} props.kept whether the service worker is there, which
 *   isolates the page when it is loaded again
 */
export function Threads({ threads, kept }) {
  const shared = typeof SharedArrayBuffer === 'function';
  const chosen = useSignal(/** @type {boolean | undefined} */ (undefined));
  const atLoad = useSignal(true);
  const failure = useSignal('');
  useEffect(() => {
    isIsolationOn().then((on) => {
      chosen.value = on;
      atLoad.value = on;
    });
  }, []);
  const on = chosen.value;
  const canChange = on !== undefined && (shared || kept.value);
  const reloading = canChange && (on !== atLoad.value || (on && !shared && !globalThis.crossOriginIsolated));
  return (
    <>
      Training uses {threads > 1 ? `${threads} threads` : 'one thread'}
      {reason({ threads, shared, on: atLoad.value })}. Results are the same to the last bit with any number.{' '}
      {canChange && (
        <label>
          <input
            type="checkbox"
            checked={on}
            onChange={async ({ currentTarget }) => {
              try {
                await setIsolation(currentTarget.checked);
                chosen.value = currentTarget.checked;
              } catch (error) {
                currentTarget.checked = Boolean(on);
                failure.value = ` This cannot be kept: ${error}`;
              }
            }}
          />{' '}
          Use several threads
        </label>
      )}{' '}
      {reloading && (
        <button type="button" class="quiet" onClick={() => location.reload()}>
          Reload to {on ? 'use several threads' : 'use one thread'}
        </button>
      )}
      {failure.value}
    </>
  );
}

/**
 * @param {{ threads: number, shared: boolean, on: boolean }} now
 * @returns {string}
 */
function reason({ threads, shared, on }) {
  if (threads > 1) return '';
  if (!on) return ': several are switched off';
  if (shared)
    return navigator.hardwareConcurrency > 1 ? ': others could not be started' : ': there is one core';
  if (globalThis.crossOriginIsolated) return ': this browser does not let threads share memory';
  return canRegister ? '' : ': the page is not cross-origin isolated';
}
