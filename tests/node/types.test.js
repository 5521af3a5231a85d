/** What an editor shows of a configuration key: its meaning, and the default and limits of the engine. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { load } from '../../web/index.js';
import { RUN_DEFAULTS } from '../../web/run.js';

const text = readFileSync(new URL('../../web/types.js', import.meta.url), 'utf8').replace(
  /\n \*\s+(?!@)/g,
  ' ',
);

it('keys of a configuration are described with default and limits', async () => {
  const engine = await load({ variant: 'simd' });
  for (const kind of /** @type {const} */ (['language', 'classifier', 'text-classifier', 'regressor'])) {
    for (const { name, type, default: usual, min, max, exclusiveMax } of engine.configFields(kind)) {
      // Of models of text it must be even.
      const least = name === 'dModel' ? 2 : min;
      const limits =
        type === 'boolean' || type === 'choice' ? '' : `, ${least} to ${exclusiveMax ? 'below ' : ''}${max}`;
      const ending = `; default ${typeof usual === 'string' ? `'${usual}'` : usual}${limits}`;
      const lines = text.split('\n').filter((line) => line.includes(`} [${name}] `));
      assert.ok(
        lines.some((line) => line.endsWith(ending)),
        `${name}: "${ending}" is not in ${lines}`,
      );
    }
  }
  engine.dispose();
});

it('options of a training are described with their defaults', () => {
  const options = text.slice(text.indexOf('Options of `model.train`.'), text.indexOf('A progress event of'));
  for (const [name, value] of Object.entries(RUN_DEFAULTS)) {
    const usual = `default ${typeof value === 'string' ? `'${value}'` : value}`;
    const lines = options.split('\n').filter((line) => line.includes(`} [${name}] `));
    assert.equal(lines.length, 1, name);
    assert.ok(lines[0].includes(usual), `${name}: "${usual}" is not in ${lines[0]}`);
  }
});
