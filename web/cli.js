#!/usr/bin/env node
/**
 * The command line: `npx hyperrouter-wasm train|eval|generate`. Each command is a file in `cli/`.
 *
 * @module
 */
import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { main } from './cli/main.js';

// Node aborts at its end if it cannot reset a terminal that is gone, unless its descriptor is closed.
const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
process.on('exit', () => {
  for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor);
});

process.exitCode = await main(process.argv.slice(2));
