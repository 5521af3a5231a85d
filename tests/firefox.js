/** The other browser of the tests. */
import { firefox } from 'playwright-core';
import { findFirefox } from '../wasm/toolchain.js';

/**
 * A Firefox as the distribution ships it, by WebDriver BiDi. From 1.65 on, playwright-core sends a command
 * (`emulation.setMediaFeaturesOverride`) that Firefox 153 does not know, so the version before it is used.
 *
 * @param {{ downloadsPath?: string }} [options]
 */
export function launchFirefox({ downloadsPath } = {}) {
  return firefox.launch({
    downloadsPath,
    channel: 'moz-firefox',
    executablePath: findFirefox(),
    firefoxUserPrefs: {
      // A proxy that does not exist: nothing but this machine can be reached, whatever else the browser looks for.
      'network.proxy.type': 1,
      'network.proxy.http': '127.0.0.1',
      'network.proxy.http_port': 9,
      'network.proxy.ssl': '127.0.0.1',
      'network.proxy.ssl_port': 9,
      'network.proxy.no_proxies_on': '127.0.0.1, localhost',
      'network.dns.disabled': true,
      // The page trains on as many threads as there are cores, as workers of its worker. Where a debugger listens, and
      // WebDriver's does, Firefox lets a worker that begins another one wait for a signal, for which the new worker waits
      // too: one of the two gets it, and in one start of some 150 the wrong one.
      'dom.maxHardwareConcurrency': 1,
    },
  });
}
