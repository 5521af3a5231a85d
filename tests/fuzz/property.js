/**
 * Runs one target until its time is over or a fault is found, which is made smaller and printed with the command that
 * repeats it: node tests/fuzz/property.js TARGET --seed N (--seconds N | --path PATH)
 */
import { Command } from 'commander';
import fc from 'fast-check';

/** @type {Record<string, () => Promise<{ start: () => Promise<{ property: any, close: () => Promise<void> }> }>>} */
const TARGETS = {
  checkpoint: () => import('./checkpoint.js'),
  calls: () => import('./calls.js'),
  protocol: () => import('./protocol.js'),
};

const program = new Command()
  .argument('<target>')
  .requiredOption('--seed <number>', 'of everything that is drawn', Number)
  .option('--seconds <number>', 'time to try', Number)
  .option('--path <path>', 'of a fault that was found with this seed');
program.parse();
const [name] = program.args;
const { seed, seconds, path } = program.opts();

const { start } = await TARGETS[name]();
const { property, close } = await start();
const end = Date.now() + seconds * 1000;

/** The input that is tried. @type {Promise<unknown>} */
let trying = Promise.resolve();
const run = property.run.bind(property);
property.run = (/** @type {Parameters<typeof run>} */ ...args) => {
  const tried = run(...args);
  trying = Promise.resolve(tried);
  return tried;
};
/** Time for making a fault smaller. */
const SMALLER_MS = 60_000;

/** @type {fc.RunDetails<unknown>} */
let details;
let [inputs, runs, used] = [0, 25, seed];
do {
  // Not one long run that is cut off: an input that hangs must be seen to.
  const began = Date.now();
  details = await fc.check(property, {
    seed: used,
    path,
    numRuns: runs,
    interruptAfterTimeLimit: SMALLER_MS,
  });
  // On a slow machine the limit may pass in the middle of an input, which would then share its engine with the next one.
  await trying.catch(() => {});
  inputs += details.numRuns;
  if (Date.now() - began < 1000) runs *= 2;
} while (!details.counterexample && path === undefined && Date.now() < end && ++used);
await close();
console.log(`${name}: ${inputs} inputs`);
if (details.counterexample) {
  console.log(/** @type {Error} */ (details.errorInstance)?.stack?.slice(0, 4000));
  console.log(`With: ${fc.stringify(details.counterexample).slice(0, 4000)}`);
  // The number of the input; what follows it says how it was made smaller, which is done again.
  const [number] = String(details.counterexamplePath).split(':');
  console.log(`Again: npm run fuzz -- --only ${name} --seed ${used} --path ${number}`);
  process.exitCode = 1;
}
