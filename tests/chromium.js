/** The browser of the tests. */
import { chromium } from 'playwright-core';
import { findChromium } from '../wasm/toolchain.js';

/** @param {{ downloadsPath?: string, args?: string[] }} [options] */
export function launchChromium({ downloadsPath, args = [] } = {}) {
  return chromium.launch({
    downloadsPath,
    executablePath: findChromium(),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  });
}
