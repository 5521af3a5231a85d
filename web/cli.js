#!/usr/bin/env node
/**
 * The command line: `npx hyperrouter-wasm train|eval|generate`. Each command is a file in `cli/`.
 *
 * @module
 */
import { Command, CommanderError } from 'commander';
import { CommandError, FAILURE, USAGE } from './cli/errors.js';
import { addEvalCommand } from './cli/eval.js';
import { addGenerateCommand } from './cli/generate.js';
import { addTrainCommand } from './cli/train.js';
import { load } from './index.js';

// A closed pipe, as with `| head`, is not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EPIPE') process.exit(0);
    throw error;
  });
}

/** @returns {Promise<Command>} */
async function buildProgram() {
  const engine = await load();
  const fields = engine.configFields('language');
  const { version } = engine.info;
  engine.dispose();
  const program = new Command('hyperrouter-wasm')
    .description(
      'Trains sparse mixture-of-experts language models, and shows which experts their tokens are routed to.',
    )
    .version(version, '-V, --version', 'Show the version')
    .option('--verbose', 'Print the full error with its stack')
    .helpOption('-h, --help', 'Show this help')
    .exitOverride();
  addTrainCommand(program, fields);
  addEvalCommand(program);
  addGenerateCommand(program);
  for (const command of program.commands) command.option('--verbose', 'Print the full error with its stack');
  return program;
}

try {
  const program = await buildProgram();
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : USAGE;
  } else {
    const verbose = process.argv.includes('--verbose') || process.env.DEBUG;
    console.error(verbose ? error : `error: ${error instanceof Error ? error.message : error}`);
    process.exitCode = error instanceof CommandError ? error.exitCode : FAILURE;
  }
}
