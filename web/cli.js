#!/usr/bin/env node
/**
 * The command line: `npx hyperrouter-wasm train|eval|generate|study`. Each command is a file in `cli/`.
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

/** For which a reader that has stopped reading is waited for after a signal: whoever sent it wants an end. */
const UNSENT_MS = 2000;

process.exitCode = await main(process.argv.slice(2));
// Nothing but what is unsent keeps the process alive now.
if (process.exitCode > 128) setTimeout(() => process.exit(), UNSENT_MS).unref();
