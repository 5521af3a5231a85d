/**
 * Runs a command line.
 *
 * @module
 */
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { load } from '../index.js';
import { CommandError, FAILURE, reasonOf, USAGE } from './errors.js';
import { addEvalCommand } from './eval.js';
import { addGenerateCommand } from './generate.js';
import { printable } from './output.js';
import { addPredictCommand } from './predict.js';
import { addStudyCommand } from './study.js';
import { System } from './system.js';
import { addTrainCommand } from './train.js';

/**
 * @param {readonly string[]} args
 * @param {Partial<import('./system.js').Machine>} [machine]  instead of parts of this one
 * @returns {Promise<number>} exit code
 */
export async function main(args, machine) {
  const system = new System(machine);
  try {
    const program = await buildProgram(system);
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      system.exitCode = error.exitCode === 0 ? await afterHelp(system) : USAGE;
    } else {
      const verbose = args.includes('--verbose') || process.env.DEBUG;
      const message = error instanceof Error ? error.message : String(error);
      system.exitCode = error instanceof CommandError ? error.exitCode : FAILURE;
      await system.messages.insist('error', verbose ? inspect(error) : message);
    }
  }
  return system.exitCode;
}

/**
 * @param {System} system
 * @returns {Promise<number>} exit code after help or version: they were asked for, and must arrive
 */
async function afterHelp({ stdout, messages }) {
  // After what was written before.
  if ((await stdout.write('')) || stdout.error?.code === 'EPIPE') return 0;
  await messages.insist('error', `cannot write to standard output: ${reasonOf(stdout.error)}`);
  return FAILURE;
}

/**
 * @param {System} system
 * @returns {Promise<Command>}
 */
async function buildProgram(system) {
  const engine = await load();
  const [language, classifier] = [engine.configFields('language'), engine.configFields('text-classifier')];
  const { version } = engine.info;
  engine.dispose();
  const { stdout, stderr } = system;
  const program = new Command('hyperrouter-wasm')
    .description(
      'Trains sparse mixture-of-experts language models and text classifiers, and shows which experts their tokens are routed to.',
    )
    .version(version, '-V, --version', 'Show the version')
    .option('--verbose', 'Print the full error with its stack')
    .helpOption('-h, --help', 'Show this help')
    // Else --out of `study merge` would be taken for that of `study`.
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(printable(text)),
    })
    .exitOverride();
  addTrainCommand(program, (kind) => (kind === 'language' ? language : classifier), system);
  addEvalCommand(program, system);
  addGenerateCommand(program, system);
  addPredictCommand(program, system);
  addStudyCommand(program, system);
  for (const command of program.commands) command.option('--verbose', 'Print the full error with its stack');
  return program;
}
