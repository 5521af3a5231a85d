/** How much of the engine (`src`) and of the package (`web`) the tests run, in lines, and whether that is enough. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Percent of the lines that must be run. */
const FLOORS = { src: 98, web: 95 };

/**
 * What is not counted, and why. Beside these, what a browser alone runs is run by the tests of the page, where it is not
 * counted; it is part of what the floor of `web` leaves open.
 * @type {Record<string, string>}
 */
const LEFT_OUT = {
  'web/types.js': 'has no code, only types',
};

/** Files of which so many lines or more are not run are named. */
const WORTH_NAMING = 10;

/** @typedef {{ file: string, lines: number, run: number }} FileCoverage */
/** @typedef {(text: string) => void} Print */

/**
 * Prints what share of the lines was run.
 * @param {'src' | 'web'} folder
 * @param {FileCoverage[]} files
 * @param {Print} print
 * @returns {boolean} whether it is enough
 */
function report(folder, files, print) {
  const counted = files.filter(({ file }) => !(file in LEFT_OUT));
  const sum = (/** @type {'lines' | 'run'} */ key) => counted.reduce((total, one) => total + one[key], 0);
  const percent = (100 * sum('run')) / Math.max(1, sum('lines'));
  const enough = percent >= FLOORS[folder];
  print(
    `\nThe tests run ${percent.toFixed(1)} % of the ${sum('lines')} lines of ${folder} (floor: ${FLOORS[folder]} %)`,
  );
  print(enough ? '\n' : ', which is not enough\n');
  const missed = counted.map(({ file, lines, run }) => ({ file, left: lines - run }));
  for (const { file, left } of missed.sort((a, b) => b.left - a.left)) {
    if (left >= WORTH_NAMING) print(`  ${file}: ${left} lines are not run\n`);
  }
  for (const [file, why] of Object.entries(LEFT_OUT)) {
    if (file.startsWith(folder)) print(`  ${file} is not counted: it ${why}\n`);
  }
  return enough;
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function outputOf(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
  return stdout;
}

/** The data of gcov that tests have written. @param {string} build */
function counters(build) {
  const names = readdirSync(build, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.gcda')).map((name) => join(build, name));
}

/** Counts begin again. @param {string} build folder */
export function forgetRuns(build) {
  for (const file of counters(build)) rmSync(file);
}

/**
 * Of the engine, from a build with HR_COVERAGE whose tests have run.
 * @param {string} build its folder
 * @param {Print} print
 * @returns {boolean | undefined} whether it is enough; undefined: it is not known
 */
export function engineCoverage(build, print) {
  const files = counters(build);
  if (files.length === 0) {
    print('\nThe lines of src that the tests run are not counted: that takes gcc\n');
    return undefined;
  }
  /** Lines by file: a function that is in several objects is run if it is in one of them. @type {Map<string, Map<number, number>>} */
  const counts = new Map();
  for (const json of outputOf('gcov', ['--json-format', '--stdout', ...files])
    .trim()
    .split('\n')) {
    for (const { file, lines } of JSON.parse(json).files) {
      const name = relative(ROOT, file).split(sep).join('/');
      if (!name.startsWith('src/')) continue;
      const known = counts.get(name) ?? new Map();
      counts.set(name, known);
      for (const { line_number: line, count } of lines)
        known.set(line, Math.max(count, known.get(line) ?? 0));
    }
  }
  const coverage = [...counts].map(([file, lines]) => {
    return { file, lines: lines.size, run: [...lines.values()].filter((count) => count > 0).length };
  });
  return report('src', coverage, print);
}

/**
 * Of the package, from what Node has written for each process and worker.
 * @param {string} folder that was NODE_V8_COVERAGE
 * @param {string} reports folder for the results
 * @param {Print} print
 * @returns {boolean} whether it is enough
 */
export function packageCoverage(folder, reports, print) {
  const c8 = join(ROOT, 'tests', 'coverage', 'node_modules', '.bin', 'c8');
  const all = ['--all', '--src', ROOT, '--include', 'web/**/*.js', '--exclude', 'web/types/**'];
  const where = ['--temp-directory', folder, '--reports-dir', reports, '--reporter', 'json-summary'];
  if (!existsSync(folder)) throw new Error(`no test has written to ${folder}`);
  outputOf(c8, ['report', ...where, ...all]);
  const { total, ...files } = JSON.parse(readFileSync(join(reports, 'coverage-summary.json'), 'utf8'));
  const coverage = Object.entries(files).map(([file, { lines }]) => {
    return { file: relative(ROOT, file).split(sep).join('/'), lines: lines.total, run: lines.covered };
  });
  return report('web', coverage, print);
}
