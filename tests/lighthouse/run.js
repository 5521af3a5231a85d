// What Lighthouse thinks of a page that is served: node tests/lighthouse/run.js URL [mobile|desktop]
import { launch } from 'chrome-launcher';
import lighthouse, { desktopConfig } from 'lighthouse';
import { findChromium } from '../../wasm/toolchain.js';

const categories = ['performance', 'accessibility', 'best-practices'];

/**
 * @param {string} url
 * @param {'mobile' | 'desktop'} form
 * @returns {Promise<{ scores: number[], findings: string[] }>} scores 0 … 100, in the order of the categories
 */
export async function lighthouseScores(url, form) {
  const chrome = await launch({
    chromePath: findChromium(),
    chromeFlags: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  try {
    const options = {
      port: chrome.port,
      onlyCategories: categories,
      logLevel: /** @type {const} */ ('error'),
    };
    const result = await lighthouse(url, options, form === 'desktop' ? desktopConfig : undefined);
    if (!result) throw new Error('Lighthouse has no result');
    const { lhr } = result;
    const scores = categories.map((name) => Math.round(100 * (lhr.categories[name].score ?? 0)));
    const findings = Object.values(lhr.audits)
      .filter(
        ({ score, scoreDisplayMode }) => score !== null && score < 0.9 && scoreDisplayMode !== 'informative',
      )
      .map(({ id, title, displayValue = '' }) => `${id}: ${title} ${displayValue}`);
    return { scores, findings };
  } finally {
    chrome.kill();
  }
}

if (import.meta.filename === process.argv[1]) {
  const [, , url, form = 'mobile'] = process.argv;
  console.log(await lighthouseScores(url, form === 'desktop' ? 'desktop' : 'mobile'));
}
