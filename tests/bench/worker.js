// A contestants' process on Node: a request a line on standard input, a reply a line on standard output.
//   node worker.js wall|cpu     what is timed: time, or time of the processor in this process
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Contestants } from './contestants.js';

const ROOT = new URL('../../', import.meta.url);

/** @param {string} path */
const read = async (path) => new Uint8Array(await readFile(new URL(path, ROOT)));

function processorTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

const wall = () => performance.now();
const contestants = new Contestants(read, process.argv[2] === 'cpu' ? processorTime : wall);
// Libraries print notes of their own; standard output is for replies.
console.log = console.info = console.warn = console.error;

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = await contestants.answer(JSON.parse(line));
  } catch (error) {
    reply = { error: error instanceof Error ? error.message : String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
