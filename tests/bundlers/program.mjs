// The package in a runtime without a page; prints what came out.
import { tryPackage } from './app.js';

console.log(JSON.stringify({ result: await tryPackage({ variant: 'simd' }) }));
