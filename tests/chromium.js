/** The browser of the tests. */
import { chromium } from 'playwright-core';
import { findChromium, findHeadlessShell } from '../wasm/toolchain.js';

/**
 * How long something may take that a page does in the end, milliseconds. A machine that does other things too is slow; what
 * is broken fails all the same.
 */
export const patience = 180_000;

/**
 * A page that waits as long as that: Playwright's own limit is half a minute.
 *
 * @param {import('playwright-core').Browser | import('playwright-core').BrowserContext} parent
 * @param {import('playwright-core').BrowserContextOptions} [options] of a browser's page
 */
export async function newPage(parent, options) {
  const page = await ('newContext' in parent ? parent.newPage(options) : parent.newPage());
  page.setDefaultTimeout(patience);
  return page;
}

/** Where tests/run.js says which browser all files of a run share. */
const shared = process.env.HR_TEST_CHROMIUM;

/**
 * What Chromium is to leave out. The last list that it is given counts, so that Playwright's own is part of it.
 */
const without = [
  // A popup of the address bar: a second page, as dear as the tested one, for every window.
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxFullPopup',
  'AimEnabled',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'BlockOriginHeaderModificationOnRedirect',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'DestroyProfileOnBrowserClose',
  'DialMediaRouteProvider',
  'GlobalMediaControls',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'ThirdPartyStoragePartitioning',
  'Translate',
];

/**
 * With these, freed memory is kept for what comes next. To return it and to take it again was an eighth of all that a
 * page costs on a virtual machine.
 */
const keptMemory = ['PartitionAllocLargeEmptySlotSpanRing', 'BlinkUseLargeEmptySlotSpanRingForBufferRoot'];

/** @param {string[]} [more] */
const options = (more = []) => ({
  executablePath: findChromium(),
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    `--disable-features=${without}`,
    `--enable-features=${keptMemory}`,
    ...more,
  ],
});

/**
 * A browser of its own.
 *
 * @param {{ args?: string[] }} [start]
 */
export const launchChromium = ({ args } = {}) => chromium.launch(options(args));

/** The browser of this run, with the contexts that are made here and no others; outside of a run, one of its own. */
export const openChromium = () => (shared ? chromium.connect(shared) : launchChromium());

/**
 * A browser that several processes use: `wsEndpoint()` is what their HR_TEST_CHROMIUM says. The headless shell, if it is
 * installed, takes about a sixth less processor time than Chromium: it draws no windows around the pages. Without TurboFan,
 * because no page of a test lives long enough to earn back the time that it spends on JavaScript. WebAssembly still uses it.
 */
export const serveChromium = () =>
  chromium.launchServer({
    ...options(['--js-flags=--no-turbofan']),
    executablePath: findHeadlessShell() ?? findChromium(),
    host: '127.0.0.1',
    // Who started it ends it.
    ...{ handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false },
  });
