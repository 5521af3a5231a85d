/** Whatever fails while a run trains, its model is not lost, and the user learns where it is. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import { hiddenName } from '../../web/cli/files/write.js';
import { LanguageModel, load } from '../../web/index.js';
import { faulty, jsonLines, runHere, Sink, text, tiny } from './command-line.js';

const STEPS = 4;

/** @type {string} */
let folder;
/** @type {import('../../web/index.js').Engine} */
let engine;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hyperrouter-faults-'));
  writeFileSync(join(folder, 'text.txt'), text);
  engine = await load({ variant: 'simd' });
});
after(() => {
  engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** @type {string} */
let place;
let number = 0;
beforeEach(newPlace);
function newPlace() {
  place = join(folder, String(number++));
  for (const name of ['out', 'shelter']) mkdirSync(join(place, name), { recursive: true });
}

const target = () => join(place, 'out', 'm.safetensors');
const listed = (/** @type {string} */ name) => readdirSync(join(place, name)).sort();

/** @param {Record<string, unknown>} [parts] @param {...string} more */
function train(parts = {}, ...more) {
  const given = ['--data', join(folder, 'text.txt'), '--out', target(), '--steps', String(STEPS)];
  return runHere(['train', ...given, '--save-every', '1', '--eval-every', '0', ...tiny, ...more], {
    shelters: [join(place, 'shelter')],
    ...parts,
  });
}

/** @param {string} path */
function stepOf(path) {
  const model = engine.loadCheckpoint(new Uint8Array(readFileSync(path)));
  const { step } = model;
  model.dispose();
  return step;
}

/**
 * @param {Awaited<ReturnType<typeof train>>} result  with --json
 * @param {string} what  failed
 */
function checkOutcome({ code, stdout, stderr }, what) {
  const lines = jsonLines(stdout);
  if (!lines.some(({ type }) => type === 'step')) {
    assert.notEqual(code, 0, `${what}: refused`);
    assert.match(stderr, /^error: /, what);
    return 'refused';
  }
  const saved = lines.filter(({ type }) => type === 'saved').at(-1);
  assert.equal(saved?.step, STEPS, `${what}: ${stderr}`);
  assert.equal(stepOf(saved.path), STEPS, what);
  if (saved.path === target()) {
    assert.equal(code, 0, `${what}: ${stderr}`);
    return 'saved';
  }
  assert.equal(code, 1, what);
  assert.match(stderr, /error: cannot write .*m\.safetensors: /, what);
  assert.ok(stderr.includes(`the model of step ${STEPS} is in ${saved.path}`), what);
  return 'rescued';
}

describe('the n-th call fails', () => {
  /** Their failure leaves what the next run removes. */
  const CLEANING = ['unlink', 'readdir'];
  /** Those of which a disk may refuse all. */
  const LASTING = ['open', 'rename', 'file.write', 'file.sync', 'file.close'];
  const OPERATIONS = [
    ...['open', 'stat', 'lstat', 'realpath', 'readlink', 'rename', 'unlink', 'readdir', 'readFile', 'statfs'],
    ...['file.read', 'file.write', 'file.writeFile', 'file.sync', 'file.close', 'file.stat', 'file.chmod'],
  ];

  for (const operation of OPERATIONS) {
    for (const [kind, code] of [
      ['once', 'EIO'],
      ['from then on', 'ENOSPC'],
    ]) {
      if (kind !== 'once' && !LASTING.includes(operation)) continue;
      it(`${operation}, ${kind}`, async () => {
        for (let n = 1; ; n++) {
          newPlace();
          let calls = 0;
          const fs = faulty((name, path) => {
            // What fails for good is one disk, not the machine.
            if (name !== operation || (kind !== 'once' && !path.startsWith(join(place, 'out')))) return null;
            calls++;
            return (kind === 'once' ? calls === n : calls >= n) ? code : null;
          });
          const what = `${operation} number ${n}`;
          const outcome = checkOutcome(await train({ fs }, '--json', '--save-every', '2'), what);
          if (kind === 'once' && n > 1 && operation === 'file.write') assert.equal(outcome, 'saved', what);
          if (!CLEANING.includes(operation)) {
            const rest = listed('out').filter(
              (name) => name !== 'm.safetensors' && !name.includes('rescued'),
            );
            // A lock that cannot be read may be another run's.
            const unknown = ['lstat', 'readFile'].includes(operation);
            assert.deepEqual(unknown ? rest.filter((name) => !name.endsWith('.lock')) : rest, [], what);
          }
          if (calls < n) break;
        }
      });
    }
  }
});

describe('a periodic save that fails', () => {
  it('is warned about and tried again', async () => {
    let broken = false;
    const fs = faulty((name) => (broken && name === 'file.sync' ? 'ENOSPC' : null));
    const stderr = new Sink();
    const stdout = new (class extends Sink {
      /** @param {string} line @param {() => void} callback */
      write(line, callback) {
        if (line.includes('"step":1,')) broken = true;
        if (line.includes('"type":"step","step":3,')) broken = false;
        return super.write(line, callback);
      }
    })();
    const { code } = await train({ fs, stdout, stderr }, '--json');
    assert.equal(code, 0);
    assert.deepEqual(
      jsonLines(stdout.text)
        .filter(({ type }) => ['saved', 'warning'].includes(type))
        .map(({ type, step }) => `${type} ${step}`),
      ['warning 1', 'warning 2', 'saved 3', 'saved 4'],
    );
    assert.match(
      stderr.text,
      /warning: step 2: cannot write .*m\.safetensors: no space is left on the device; training goes on, and it is tried again\n/,
    );
    assert.match(stderr.text, /step 3 {2}saved .*m\.safetensors again\n/);
  });

  it('is tried again before the next one is due', async () => {
    let syncs = 0;
    const fs = faulty((name) => (name === 'file.sync' && ++syncs === 1 ? 'EIO' : null));
    const signals = new EventEmitter();
    const stdout = new (class extends Sink {
      /** @param {string} line @param {() => void} callback */
      write(line, callback) {
        if (line.includes('"type":"saved"')) signals.emit('SIGINT', 'SIGINT');
        return super.write(line, callback);
      }
    })();
    await train({ fs, signals, stdout }, '--json', '--save-every', '3', '--steps', '1000000');
    const lines = jsonLines(stdout.text).filter(({ type }) => type !== 'step');
    assert.deepEqual([lines[0].type, lines[0].step], ['warning', 3]);
    assert.equal(lines[1].type, 'saved');
  });

  it('does not end the run if there is no memory for it', async () => {
    await withoutMemory(
      (call) => call === 2,
      async () => {
        const { code, stderr } = await train();
        assert.equal(code, 0);
        assert.match(stderr, /warning: step 2: Array buffer allocation failed; training goes on/);
      },
    );
    assert.equal(stepOf(target()), STEPS);
  });
});

/**
 * @param {(call: number, optimizer: boolean) => boolean} fails  whether a model cannot be saved
 * @param {() => Promise<void>} work
 */
async function withoutMemory(fails, work) {
  const { saveCheckpoint } = LanguageModel.prototype;
  let calls = 0;
  LanguageModel.prototype.saveCheckpoint = function (options) {
    if (fails(++calls, options?.optimizer === true)) throw new RangeError('Array buffer allocation failed');
    return saveCheckpoint.call(this, options);
  };
  try {
    await work();
  } finally {
    LanguageModel.prototype.saveCheckpoint = saveCheckpoint;
  }
}

describe('a run that fails', () => {
  /** @param {import('node:test').TestContext} test */
  const failEvaluations = ({ mock }) =>
    mock.method(LanguageModel.prototype, 'evaluate', () => {
      throw new RangeError('there is no memory');
    });

  it('saves its model, and says how to continue', async (test) => {
    failEvaluations(test);
    const { code, stderr } = await train({}, '--save-every', '0', '--eval-every', '2');
    assert.equal(code, 1);
    assert.match(stderr, /error: after step 2: there is no memory; the parameters of step 2 are in /);
    assert.match(
      stderr,
      /\. Continue from there with:\n {2}npx hyperrouter-wasm train .*--resume .*m\.safetensors/,
    );
    assert.equal(stepOf(target()), 2);
    test.mock.restoreAll();
    assert.equal((await train({}, '--resume', target())).code, 0);
    assert.equal(stepOf(target()), STEPS);
  });

  it('says where its model is if only the last validation fails', async (test) => {
    failEvaluations(test);
    const { code, stderr } = await train();
    assert.equal(code, 1);
    assert.ok(stderr.includes(`error: there is no memory; the model of step ${STEPS} is in ${target()}`));
    assert.equal(stepOf(target()), STEPS);
  });
});

describe('the last save', () => {
  /** @param {string} where */
  const failingIn = (where) =>
    faulty((name, path) => (name === 'file.write' && path.startsWith(join(place, where)) ? 'EDQUOT' : null));

  it('is beside its place if another file has taken it', async () => {
    /** @type {any} */
    const fs = faulty((name) => (name === 'rename' && calls++ < 2 ? 'EPERM' : null));
    let calls = 0;
    const { code, stderr } = await train({ fs }, '--save-every', '0');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /error: cannot write .*: permission denied; the model of step 4 is in .*out\/m\.rescued\.safetensors\n/,
    );
    assert.equal(stepOf(join(place, 'out', 'm.rescued.safetensors')), STEPS);
  });

  it('is in another folder if its own is gone, and replaces nothing there', async () => {
    writeFileSync(join(place, 'shelter', 'm.rescued.safetensors'), 'precious');
    const stdout = new (class extends Sink {
      /** @param {string} line @param {() => void} callback */
      write(line, callback) {
        if (line.includes('"type":"step","step":3,')) rmSync(join(place, 'out'), { recursive: true });
        return super.write(line, callback);
      }
    })();
    const { code, stderr } = await train({ stdout }, '--json');
    assert.equal(code, 1);
    assert.match(stderr, /warning: step 3: cannot write .*: no such file or folder; training goes on/);
    assert.match(stderr, /the model of step 4 is in .*shelter\/m\.rescued-2\.safetensors\n/);
    assert.equal(stepOf(join(place, 'shelter', 'm.rescued-2.safetensors')), STEPS);
    assert.equal(readFileSync(join(place, 'shelter', 'm.rescued.safetensors'), 'utf8'), 'precious');
  });

  it('does not replace what another run has saved meanwhile', async () => {
    const stdout = new (class extends Sink {
      /** @param {string} line @param {() => void} callback */
      write(line, callback) {
        if (line.includes('"type":"step","step":3,')) {
          const [lock] = listed('out').filter((name) => name.endsWith('.lock'));
          const path = join(place, 'out', lock);
          const holder = JSON.parse(readFileSync(path, 'utf8'));
          writeFileSync(path, JSON.stringify({ ...holder, id: 'another', pid: 12345 }));
          writeFileSync(target(), 'of another run');
        }
        return super.write(line, callback);
      }
    })();
    const { code, stderr } = await train({ stdout }, '--json');
    assert.equal(code, 1);
    assert.match(stderr, /another run, process 12345, saves there now; the model of step 4 is in .*rescued/);
    assert.equal(readFileSync(target(), 'utf8'), 'of another run');
    assert.equal(listed('out').filter((name) => name.endsWith('.lock')).length, 1);
  });

  it('is written plainly where nothing can be synced or renamed', async () => {
    for (const operation of ['file.sync', 'rename']) {
      newPlace();
      const fs = faulty((name) => (name === operation ? 'EIO' : null));
      const { code, stderr } = await train({ fs });
      assert.equal(code, 1);
      assert.match(stderr, /the model of step 4 is in .*out\/m\.rescued\.safetensors\n/);
      assert.deepEqual(listed('out'), ['m.rescued.safetensors']);
      assert.equal(stepOf(join(place, 'out', 'm.rescued.safetensors')), STEPS);
    }
  });

  it('is in its place if only the folder cannot be synced', async () => {
    const fs = faulty((name, path) => (name === 'file.sync' && path.endsWith('out') ? 'EIO' : null));
    const { code, stderr } = await train({ fs }, '--save-every', '0');
    assert.equal(code, 0);
    assert.match(stderr, /warning: cannot write .*; it is there, but may not outlast a power failure\n/);
    assert.deepEqual(listed('out'), ['m.safetensors']);
    assert.equal(stepOf(target()), STEPS);
  });

  it('is without the optimizer if there is no memory for it', async () => {
    await withoutMemory(
      (_, optimizer) => optimizer,
      async () => {
        const { code, stderr } = await train({}, '--save-every', '0');
        assert.equal(code, 1);
        assert.match(
          stderr,
          /error: there is no memory to save the optimizer's state; the model of step 4 is in .*out\/m\.safetensors\n/,
        );
      },
    );
    assert.equal((await runHere(['generate', '--checkpoint', target()])).code, 0);
  });

  it('is tried again a little later if no place takes it', async () => {
    let waited = 0;
    const fs = faulty((name) => (name === 'file.write' && waited === 0 ? 'ENOSPC' : null));
    const wait = async () => {
      waited++;
    };
    assert.equal((await train({ fs, wait }, '--save-every', '0')).code, 0);
    assert.equal(stepOf(target()), STEPS);
  });

  it('is not lost in silence', async () => {
    const fs = faulty((name) => (name === 'file.write' ? 'ENOSPC' : null));
    const { code, stderr } = await train({ fs });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /error: the model of step 4 is lost: cannot write .*m\.safetensors: no space is left on the device; nor is there another place for it: .*out, .*shelter were tried\n$/,
    );
    assert.deepEqual(listed('out'), []);
  });

  it('asks for another place at a terminal', async () => {
    const other = join(place, 'other.safetensors');
    writeFileSync(join(place, 'exists'), 'precious');
    const answers = [join(place, 'exists'), '', other];
    const stdin = Object.assign(new Readable({ read() {} }), { isTTY: true });
    let shown = '';
    const stderr = Object.assign(
      new Writable({
        write(chunk, _, callback) {
          shown += chunk;
          if (/gives the model up\): /.test(String(chunk))) {
            setImmediate(() => stdin.push(`${answers.shift() ?? join(place, 'last')}\n`));
          }
          callback();
        },
      }),
      { isTTY: true, columns: 80 },
    );
    const fs = faulty((name, path) =>
      name === 'file.write' && /\/(out|shelter)\//.test(path) ? 'ENOSPC' : null,
    );
    await train({ fs, stdin, stderr });
    assert.equal(stepOf(other), STEPS);
    assert.equal(readFileSync(join(place, 'exists'), 'utf8'), 'precious');
    assert.match(shown, /exists already exists\n/);
    assert.match(shown, /the model of step 4 is in .*other\.safetensors\n/);
  });

  it('of an interrupted run is saved elsewhere too, and says how to continue', async () => {
    const signals = new EventEmitter();
    const fs = failingIn('out');
    const stdout = new (class extends Sink {
      /** @param {string} line @param {() => void} callback */
      write(line, callback) {
        if (line.includes('"type":"step","step":2,')) signals.emit('SIGTERM', 'SIGTERM');
        return super.write(line, callback);
      }
    })();
    const { code, stderr } = await train({ fs, signals, stdout }, '--json');
    assert.equal(code, 143);
    assert.match(
      stderr,
      /error: cannot write .*: the quota of the disk is used up\. SIGTERM: stopped after step 2 of 4/,
    );
    const [, path] = /--resume (\S+)/.exec(stderr) ?? [];
    assert.equal(path, join(place, 'shelter', 'm.rescued.safetensors'));
    assert.match(stderr, /--resume \S+ --out \S+out\/m\.safetensors\n$/);
    const resumed = ['train', '--data', join(folder, 'text.txt'), '--resume', path, '--out', target()];
    assert.equal((await runHere(resumed)).code, 0);
    assert.equal(stepOf(target()), STEPS);
  });
});

it('a file with another name is replaced under its own, which is said', async () => {
  assert.equal((await train()).code, 0);
  linkSync(target(), join(place, 'other'));
  const { code, stderr } = await train({}, '--force');
  assert.equal(code, 0);
  assert.match(
    stderr,
    /^warning: .*m\.safetensors has other names \(hard links\), which keep what is in the file now$/m,
  );
  assert.equal(stepOf(join(place, 'other')), STEPS);
});

describe('a stream that fails', () => {
  const CODES = ['EIO', 'EPIPE', 'ENOSPC'];
  const STREAMS = /** @type {const} */ (['stdout', 'stderr']);

  for (const broken of [['stdout'], ['stderr'], ['stdout', 'stderr']]) {
    it(`never ends the run: ${broken.join(' and ')}`, async () => {
      for (const code of CODES) {
        for (const first of [1, 2, 5]) {
          for (const json of [[], ['--json']]) {
            newPlace();
            const fails = (/** @type {number} */ write) => (write >= first ? code : null);
            const sinks = Object.fromEntries(
              STREAMS.map((name) => [name, new Sink(broken.includes(name) ? fails : undefined)]),
            );
            const result = await train(sinks, ...json);
            const what = `${code} from write ${first} on${json}`;
            assert.equal(result.code, 0, what);
            assert.equal(stepOf(target()), STEPS, what);
            assert.deepEqual(listed('out'), ['m.safetensors'], what);
            if (broken.length === 2 || sinks[broken[0]].writes < first) continue;
            const heard = sinks[broken[0] === 'stdout' ? 'stderr' : 'stdout'].text;
            assert.match(
              heard,
              /warning.*cannot write to standard (output|error): .*; the run goes on/,
              what,
            );
          }
        }
      }
    });
  }

  it('is used again when it works again', async () => {
    const stderr = new Sink((write) => (write === 2 ? 'ENOSPC' : null));
    await train({ stderr });
    assert.match(stderr.text, /step 4\/4/);
    assert.match(stderr.text, /warning: cannot write to standard error: no space is left on the device/);
  });

  it('is told of by the exit code where its text was asked for', async () => {
    for (const args of [['--help'], ['train', '--help'], ['--version']]) {
      const { code, stderr } = await runHere(args, { stdout: new Sink(() => 'ENOSPC') });
      assert.equal(code, 1, String(args));
      assert.match(stderr, /^error: cannot write to standard output: no space is left on the device\n$/);
      assert.equal((await runHere(args, { stdout: new Sink(() => 'EPIPE') })).code, 0, 'as with | head');
      assert.equal((await runHere(args)).code, 0);
    }
  });

  it('whose reader does not read takes no memory', async () => {
    const stdout = Object.assign(new Sink(), { writableLength: 2 ** 25 });
    const { code, stderr } = await train({ stdout }, '--json');
    assert.equal(code, 0);
    assert.equal(stdout.writes, 0);
    assert.match(
      stderr,
      /warning: cannot write to standard output: its reader does not read; the run goes on\n/,
    );
  });

  it('leaves a file that says what nobody heard', async () => {
    const deaf = () => new Sink(() => 'EIO');
    const fs = faulty((name) => (name === 'file.write' ? 'ENOSPC' : null));
    const { code } = await train({ fs, stdout: deaf(), stderr: deaf() });
    assert.equal(code, 1);
    assert.match(
      readFileSync(join(place, 'out', 'm.log'), 'utf8'),
      /^the model of step 4 is lost: cannot write /,
    );

    newPlace();
    const elsewhere = faulty((name, path) =>
      name === 'file.write' && path.includes('/out/') ? 'ENOSPC' : null,
    );
    await train({ fs: elsewhere, stdout: deaf(), stderr: deaf() });
    assert.match(readFileSync(join(place, 'out', 'm.log'), 'utf8'), /the model of step 4 is in .*shelter/);
  });

  it('is an error where its text was the work, but for a pipe that closes', async () => {
    await train();
    for (const command of [
      ['generate', '--checkpoint', target(), '--max-tokens', '20'],
      ['eval', '--checkpoint', target(), '--data', join(folder, 'text.txt')],
    ]) {
      for (const code of CODES) {
        const result = await runHere(command, { stdout: new Sink(() => code) });
        assert.equal(result.code, code === 'EPIPE' ? 0 : 1, `${command[0]}, ${code}`);
        if (code === 'EPIPE') assert.equal(result.stderr, '');
        else assert.match(result.stderr, /^error: cannot write to standard output: [^\n]+\n$/);
      }
    }
  });
});

it('the temporary file of a killed run does not keep the disk full', async () => {
  const left = join(place, 'out', `${hiddenName('m.safetensors')}-1234.tmp`);
  writeFileSync(left, 'all that fits');
  const fs = faulty((name) => (name.startsWith('file.write') && existsSync(left) ? 'ENOSPC' : null));
  const { code, stderr } = await train({ fs });
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /warning/);
  assert.deepEqual(listed('out'), ['m.safetensors']);
});

describe('the text', () => {
  it('may come from standard input, and from several files', async () => {
    const parts = [text.slice(0, 4000), text.slice(4000)];
    writeFileSync(join(place, 'b.txt'), parts[1]);
    const args = (/** @type {string} */ out, /** @type {string[]} */ ...data) => [
      ...['train', ...data.flatMap((name) => ['--data', name]), '--out', join(place, out)],
      ...['--steps', '2', '--json', ...tiny],
    ];
    const stdin = () =>
      Readable.from([Buffer.from(parts[0].slice(0, 100)), Buffer.from(parts[0].slice(100))]);
    assert.equal((await runHere(args('whole', join(folder, 'text.txt')))).code, 0);
    const joined = await runHere(args('joined', '-', join(place, 'b.txt')), { stdin: stdin() });
    assert.equal(joined.code, 0, joined.stderr);
    assert.deepEqual(readFileSync(join(place, 'joined')), readFileSync(join(place, 'whole')));

    const evaluate = ['eval', '--checkpoint', join(place, 'whole'), '--json', '--data', '-'];
    const { stdout } = await runHere([...evaluate, '--data', join(place, 'b.txt')], { stdin: stdin() });
    const { data, split } = JSON.parse(stdout);
    assert.equal(data, `standard input, ${join(place, 'b.txt')}`);
    assert.equal(split, 'last 10 %', 'it is the text of the training');
  });

  it('is refused by its name', async () => {
    const failing = Readable.from(
      (async function* () {
        yield Buffer.from('a');
        throw Object.assign(new Error('x'), { code: 'EISDIR' });
      })(),
    );
    writeFileSync(join(place, 'empty'), '');
    /** @type {[string[], Record<string, unknown>, RegExp][]} */
    const cases = [
      [['-'], {}, /^error: standard input is empty\n$/],
      [['-'], { stdin: failing }, /^error: cannot read standard input: it is a folder\n$/],
      [['-', '-'], {}, /^error: --data - can be given once: standard input is read to its end\n$/],
      [[join(folder, 'text.txt'), join(place, 'empty')], {}, /^error: .*empty is empty\n$/],
    ];
    for (const [names, parts, message] of cases) {
      const data = names.flatMap((name) => ['--data', name]);
      const { code, stderr } = await runHere(['train', ...data, '--out', target(), ...tiny], parts);
      assert.match(stderr, message);
      assert.notEqual(code, 0);
    }
    assert.deepEqual(listed('out'), []);
  });
});

it('messages show no control characters of a file or a name', async () => {
  const name = join(place, '\x1b]0;owned\x07\u202e');
  for (const args of [
    ['train', '--data', name, '--out', target()],
    ['generate', '--checkpoint', name],
  ]) {
    const { stderr } = await runHere(args);
    assert.match(stderr, /cannot read .*␛\]0;owned␇␡: no such file/);
    assert.doesNotMatch(stderr, /[^\P{Cc}\n]|\u202e/u);
  }
});
