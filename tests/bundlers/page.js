import { tryPackage } from './app.js';

const query = new URLSearchParams(location.search);
const threads = query.get('threads') ?? '1';
tryPackage({ threads: threads === 'auto' ? 'auto' : Number(threads) }).then(
  (result) => report({ result, isolated: crossOriginIsolated }),
  (error) => report({ error: `${error.name}: ${error.message}` }),
);

/** @param {unknown} outcome */
function report(outcome) {
  document.body.dataset.outcome = JSON.stringify(outcome);
}
