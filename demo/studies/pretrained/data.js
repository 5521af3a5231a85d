/**
 * Writes the data of this study beside it: Moby-Dick out of the package that the page has it from. The chapters that the page
 * shows come last, so that the passage that it holds out is held out here too.
 *
 *     node demo/studies/pretrained/data.js
 */
import { writeFileSync } from 'node:fs';
import { texts } from '../../text/library.js';

for (const name of ['moby-dick-rest', 'moby-dick'])
  writeFileSync(new URL(`${name}.txt`, import.meta.url), texts[name]());
