/** How the command line reads and writes files: in pieces, whole or not at all, and two runs notice each other. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  createReadStream,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import * as files from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Lock } from '../../web/cli/files/lock.js';
import { readBytes, readStream } from '../../web/cli/files/read.js';
import { hiddenName, removeTemporaries, resolveTarget, writeWhole } from '../../web/cli/files/write.js';
import { faulty, runHere, text, tiny } from './command-line.js';

/** @type {string} */
let folder;
/** @type {string} */
let target;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperrouter-files-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

let number = 0;
beforeEach(() => {
  const place = join(folder, String(number++));
  mkdirSync(place);
  target = join(place, 'm.safetensors');
});

/** @param {string} name */
const here = (name) => join(target, '..', name);
const listed = () => readdirSync(join(target, '..')).sort();
const bytesOf = (/** @type {string} */ content) => new TextEncoder().encode(content);

describe('writing', () => {
  it('makes the file or replaces it, and leaves nothing else', async () => {
    for (const content of ['one', 'two', '']) {
      await writeWhole(target, bytesOf(content));
      assert.equal(readFileSync(target, 'utf8'), content);
      assert.deepEqual(listed(), ['m.safetensors']);
    }
  });

  it('writes on where a write ended early', async () => {
    const content = bytesOf('a text in several pieces');
    /** @type {any} */
    const fs = {
      ...files,
      open: async (/** @type {[any, any, any]} */ ...args) => {
        const handle = await files.open(...args);
        const write = handle.write.bind(handle);
        Object.assign(handle, {
          write: (/** @type {Uint8Array} */ from, /** @type {number} */ at, /** @type {number} */ length) =>
            write(from, at, Math.min(5, length), null),
        });
        return handle;
      },
    };
    await writeWhole(target, content, fs);
    assert.deepEqual(new Uint8Array(readFileSync(target)), content);
  });

  it('keeps links and modes', async () => {
    writeFileSync(here('real'), 'old');
    chmodSync(here('real'), 0o640);
    symlinkSync('real', here('near'));
    symlinkSync(here('near'), target);
    await writeWhole(target, bytesOf('new'));
    assert.equal(readlinkSync(target), here('near'));
    assert.equal(readlinkSync(here('near')), 'real');
    assert.equal(readFileSync(here('real'), 'utf8'), 'new');
    assert.equal(statSync(target).mode & 0o7777, 0o640);
    assert.deepEqual(listed(), ['m.safetensors', 'near', 'real']);
  });

  it('follows a link to a file that does not exist yet, also across folders', async () => {
    mkdirSync(here('a'));
    mkdirSync(here('b'));
    symlinkSync('../b/file', here('a/link'));
    symlinkSync('a', here('c'));
    await writeWhole(here('c/link'), bytesOf('new'));
    assert.equal(readFileSync(here('b/file'), 'utf8'), 'new');
    symlinkSync('circle', here('circle'));
    await assert.rejects(
      writeWhole(here('circle'), bytesOf('new')),
      /cannot write .*circle: its links lead in a circle/,
    );
  });

  it('makes temporary files exclusively, in the folder of the target', async () => {
    /** @type {[string, any][]} */
    const opened = [];
    /** @type {any} */
    const fs = {
      ...files,
      open: (/** @type {[any, any, any]} */ ...args) => {
        opened.push([String(args[0]), args[1]]);
        return files.open(...args);
      },
    };
    mkdirSync(here('far'));
    symlinkSync('far/real', target);
    await writeWhole(target, bytesOf('new'), fs);
    const [temporary, itsFolder] = opened;
    assert.equal(temporary[1], 'wx');
    assert.equal(join(temporary[0], '..'), await files.realpath(here('far')));
    assert.deepEqual(itsFolder, [await files.realpath(here('far')), 'r'], 'the folder is synced');
  });

  it('leaves the old file and no temporary one when anything fails', async () => {
    for (const operation of ['open', 'file.write', 'file.sync', 'file.close', 'rename']) {
      writeFileSync(target, 'old');
      const fs = faulty((name) => (name === operation ? 'EIO' : null));
      await assert.rejects(
        writeWhole(target, bytesOf('new'), fs),
        /cannot write .*m\.safetensors: the device failed \(input\/output error\)/,
      );
      assert.equal(readFileSync(target, 'utf8'), 'old', operation);
      assert.deepEqual(listed(), ['m.safetensors'], operation);
    }
  });

  it('needs no disk that can sync, nor one that keeps modes', async () => {
    writeFileSync(target, 'old');
    const fs = faulty((name) =>
      name === 'file.sync' ? 'EINVAL' : ['file.chmod', 'file.chown'].includes(name) ? 'EPERM' : null,
    );
    await writeWhole(target, bytesOf('new'), fs);
    assert.equal(readFileSync(target, 'utf8'), 'new');
  });

  it('has room for the longest name', async () => {
    const long = here(`${'ü'.repeat(121)}.safetensors`);
    assert.equal(Buffer.byteLength(basename(long)), 254);
    await writeWhole(long, bytesOf('new'));
    await writeWhole(long, bytesOf('newer'));
    assert.deepEqual(listed(), [basename(long)]);
    await assert.rejects(writeWhole(here('x'.repeat(256)), bytesOf('')), /: the name is too long$/);
  });

  it('removes the temporary files of this target and no others', async () => {
    const resolved = await resolveTarget(target);
    const names = [
      `${hiddenName(resolved)}-abc.tmp`,
      `${hiddenName('other')}-abc.tmp`,
      `${hiddenName(resolved)}.lock`,
      '.tmp',
    ];
    for (const name of names) writeFileSync(here(name), '');
    // A link is removed, not what it names.
    writeFileSync(here('precious'), 'precious');
    symlinkSync('precious', here(`${hiddenName(resolved)}-link.tmp`));
    await removeTemporaries(resolved);
    assert.deepEqual(listed(), [...names.slice(1), 'precious'].sort());
  });
});

describe('reading', () => {
  it('takes pieces of any length', async () => {
    writeFileSync(target, 'a text in several pieces');
    /** @type {any} */
    const fs = {
      ...files,
      open: async (/** @type {[any, any, any]} */ ...args) => {
        const handle = await files.open(...args);
        const read = handle.read.bind(handle);
        Object.assign(handle, {
          read: (/** @type {Uint8Array} */ to, /** @type {number} */ at, /** @type {number} */ length) =>
            read(to, at, Math.min(5, length), null),
        });
        return handle;
      },
    };
    assert.equal(new TextDecoder().decode(await readBytes(target, fs)), 'a text in several pieces');
  });

  it('asks for less than 2 GiB at a time, and reads files of more', async (t) => {
    /** @type {number[]} */
    const lengths = [];
    let left = 2 ** 31 + 5;
    /** @type {any} */
    const fs = {
      open: async () => ({
        stat: async () => ({ size: left }),
        // Counts, and leaves the pages of the array alone.
        read: async (
          /** @type {Uint8Array} */ to,
          /** @type {number} */ at,
          /** @type {number} */ length,
        ) => {
          lengths.push(length);
          const bytesRead = Math.min(length, left);
          if (bytesRead > 0) to[at + bytesRead - 1] = 7;
          left -= bytesRead;
          return { bytesRead };
        },
        close: async () => {},
      }),
    };
    /** @type {Uint8Array} */
    let bytes;
    try {
      bytes = await readBytes('large', fs);
    } catch (error) {
      if (!/allocation failed/.test(String(error))) throw error;
      return t.skip('there is no memory for it');
    }
    assert.equal(bytes.length, 2 ** 31 + 5);
    assert.equal(bytes[2 ** 31 + 4], 7);
    assert.ok(Math.max(...lengths) < 2 ** 31);
  });

  it('says how large a file may be', async () => {
    writeFileSync(target, '');
    truncateSync(target, 2 ** 32);
    await assert.rejects(
      readBytes(target),
      /cannot read .*: it has 4294967296 bytes, and at most \d+ can be read/,
    );
  });

  it('reads no further than that from what has no end', { skip: !existsSync('/dev/zero') }, async () => {
    await assert.rejects(
      readBytes('/dev/zero', files, 2 ** 20),
      /cannot read .*: it has more than 1048576 bytes/,
    );
    await assert.rejects(
      readStream(createReadStream('/dev/zero'), 2 ** 20),
      /it has more than 1048576 bytes/,
    );
    writeFileSync(target, 'a text');
    for (const args of [
      ['study', '/dev/zero', '--out', join(folder, 'endless')],
      ['eval', '--data', target, '--checkpoint', target, '--config', '/dev/zero'],
    ])
      assert.match(
        (await runHere(args)).stderr,
        /^error: cannot read \/dev\/zero: it has more than 67108864 bytes/,
      );
  });

  it('reads what has no size, has grown or has shrunk', async () => {
    writeFileSync(target, 'a text');
    for (const size of [0, 3, 60]) {
      /** @type {any} */
      const fs = {
        open: async (/** @type {[any, any]} */ ...args) => {
          const handle = await files.open(...args);
          return Object.assign(handle, { stat: async () => ({ size }) });
        },
      };
      assert.equal(new TextDecoder().decode(await readBytes(target, fs)), 'a text', `size ${size}`);
    }
  });
});

describe('two runs with one target', () => {
  /** @param {Record<string, unknown>} content @param {number} [age] in seconds */
  function plantLock(content, age = 0) {
    const path = here(`${hiddenName(target)}.lock`);
    writeFileSync(path, typeof content === 'object' ? JSON.stringify(content) : content);
    const time = Date.now() / 1000 - age;
    utimesSync(path, time, time);
    return path;
  }

  it('notice each other', async () => {
    const [one, two] = [new Lock(target), new Lock(target)];
    assert.ok(await one.acquire('m'));
    await assert.rejects(
      two.acquire('m'),
      new RegExp(
        `another run is saving to m \\(process ${process.pid} on .*: choose another --out.* delete .*\\.lock`,
      ),
    );
    assert.equal(await one.takenBy(), null);
    await two.release();
    assert.equal(listed().length, 1, 'a lock is not released by another run');
    await one.release();
    assert.ok(await two.acquire('m'));
    await two.release();
    assert.deepEqual(listed(), []);
  });

  it('notice it if both begin at the same moment', async () => {
    const locks = Array.from({ length: 8 }, () => new Lock(target));
    const results = await Promise.allSettled(locks.map((lock) => lock.acquire('m')));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const lock of locks) await lock.release();
    assert.deepEqual(listed(), []);
  });

  it('do not wait for one that was killed', async () => {
    const machine = await machineName();
    const gone = { id: 'x', machine, pid: 2 ** 22 + 1, started: '1' };
    const later = { id: 'x', machine, pid: process.pid, started: 'at another time' };
    const elsewhere = { id: 'x', machine: 'elsewhere', pid: 1, started: '' };
    /** @type {[any, number][]} */
    const left = [
      [gone, 0],
      [later, 0],
      [elsewhere, 90],
      ['', 90],
      ['{"id":', 0],
    ];
    for (const [content, age] of left) {
      plantLock(content, age);
      const lock = new Lock(target);
      assert.ok(await lock.acquire('m'), JSON.stringify(content));
      await lock.release();
      assert.deepEqual(listed(), []);
    }
  });

  it('do not take a zombie for a run', async (t) => {
    if (process.platform !== 'linux') return t.skip('there is no /proc');
    // A parent that does not wait for its child. That ends once the shell, which would, has become another program.
    const child = '(until [ "$(cat /proc/$$/comm)" = sleep ]; do :; done)';
    const shell = spawn('sh', ['-c', `${child} & echo $!; exec sleep 20`]);
    const [pid] = await once(shell.stdout, 'data');
    /** @type {string[]} */
    let fields;
    do {
      fields = readFileSync(`/proc/${Number(pid)}/stat`, 'utf8')
        .replace(/.*\) /, '')
        .split(' ');
    } while (fields[0] !== 'Z');
    plantLock({ id: 'x', machine: await machineName(), pid: Number(pid), started: fields[19] });
    const lock = new Lock(target);
    assert.ok(await lock.acquire('m'));
    await lock.release();
    shell.kill();
  });

  it('know one on another machine by its heartbeat', async () => {
    plantLock({ id: 'x', machine: 'elsewhere', pid: 1, started: '' }, 20);
    await assert.rejects(new Lock(target).acquire('m'), /process 1 on elsewhere/);
  });

  it('follow no link where the lock belongs', async () => {
    writeFileSync(here('precious'), 'precious');
    symlinkSync('precious', here(`${hiddenName(target)}.lock`));
    await assert.rejects(
      new Lock(target).acquire('m'),
      /cannot write m: .*\.lock stands where its lock belongs/,
    );
    assert.equal(readFileSync(here('precious'), 'utf8'), 'precious');
  });

  it('do not pass over a lock that cannot be read', async () => {
    const path = plantLock({ id: 'x', machine: 'elsewhere', pid: 1, started: '' }, 90);
    for (const operation of ['readFile', 'lstat', 'rename']) {
      const fs = faulty((name) => (name === operation ? 'EACCES' : null));
      await assert.rejects(
        new Lock(target, fs).acquire('m'),
        /cannot (read the lock|remove) .*\.lock: permission denied$/,
      );
      assert.equal(JSON.parse(readFileSync(path, 'utf8')).id, 'x');
    }
  });

  it('train without it if the disk is full', async () => {
    const fs = faulty((name) => (name === 'file.writeFile' ? 'ENOSPC' : null));
    assert.equal(await new Lock(target, fs).acquire('m'), false);
    assert.deepEqual(listed(), []);
  });

  async function machineName() {
    return `${hostname()} ${await files.readlink('/proc/self/ns/pid').catch(() => '')}`.trim();
  }
});

describe('what cannot work at the end is refused at the beginning', () => {
  /** @param {string} out @param {...string} more */
  const train = (out, ...more) =>
    runHere(['train', '--data', here('text'), '--out', out, '--steps', '1', ...tiny, ...more]);

  beforeEach(() => writeFileSync(here('text'), text));

  it('a folder, a device, the text itself, an impossible name', async () => {
    mkdirSync(here('folder'));
    linkSync(here('text'), here('also-text'));
    symlinkSync('text', here('link'));
    symlinkSync('circle', here('circle'));
    /** @type {[string, number, RegExp][]} */
    const cases = [
      [here('folder'), 1, /: it is a folder\n$/],
      [here('no/m'), 1, /the folder .*no does not exist\n$/],
      [here('text/m'), 1, /text is not a folder\n$/],
      [here('circle'), 1, /: its links lead in a circle\n$/],
      [here('x'.repeat(256)), 1, /: the name is too long\n$/],
      ['/dev/null', 1, /cannot write \/dev\/null: it is not a regular file\n$/],
      [here('text'), 2, /--out .*text is the text to train on\n$/],
      [here('also-text'), 2, /is the text to train on\n$/],
      [here('link'), 2, /is the text to train on\n$/],
    ];
    for (const [out, code, message] of cases) {
      const result = await train(out, '--force');
      assert.match(result.stderr, message);
      assert.equal(result.code, code, result.stderr);
    }
    assert.equal(readFileSync(here('text'), 'utf8'), text);
    assert.ok(lstatSync('/dev/null').isCharacterDevice());
  });

  it('a folder that takes no files, a file that nobody may replace, a disk that is too small', async () => {
    writeFileSync(target, 'old');
    /** @type {[any, RegExp][]} */
    const cases = [
      [
        faulty((name, path) => (name === 'open' && path.endsWith('.lock') ? 'EROFS' : null)),
        /the file system is read-only\n$/,
      ],
      [
        faulty((name, path) => (name === 'open' && path === target ? 'EPERM' : null)),
        /m\.safetensors: permission denied\n$/,
      ],
      [
        { ...files, statfs: async () => ({ blocks: 1, bavail: 1, bsize: 512 }) },
        /it will have 0\.\d MB, more than the whole disk\n$/,
      ],
      [
        {
          ...files,
          readFile: async (/** @type {any} */ path, /** @type {any} */ how) =>
            path === '/proc/self/mountinfo'
              ? `36 35 98:0 / ${target.replace('/m', '\\057m')} rw - ext3\n`
              : files.readFile(path, how),
        },
        /it is a mount point; mount its folder instead\n$/,
      ],
    ];
    for (const [fs, message] of cases) {
      const args = ['train', '--data', here('text'), '--out', target, '--steps', '1', ...tiny, '--force'];
      const { code, stderr } = await runHere(args, { fs });
      assert.match(stderr, message);
      assert.equal(code, 1);
      assert.equal(readFileSync(target, 'utf8'), 'old');
      assert.deepEqual(listed(), ['m.safetensors', 'text']);
    }
  });

  it('a file larger than the limit of the shell', async () => {
    /** @type {any} */
    const fs = {
      ...files,
      readFile: async (/** @type {any} */ path, /** @type {any} */ how) =>
        path === '/proc/self/limits'
          ? 'Max file size             65536   unlimited   bytes\n'
          : files.readFile(path, how),
    };
    const args = ['train', '--data', here('text'), '--out', target, '--steps', '1', ...tiny];
    const { code, stderr } = await runHere(args, { fs });
    assert.match(stderr, /it will have 0\.1 MB, more than a file may have here \(ulimit -f\)\n$/);
    assert.equal(code, 1);
    assert.equal((await runHere([...args, '--model-only'], { fs })).code, 0);
  });

  it('while another run saves to the same file, also by another name', async () => {
    symlinkSync('m.safetensors', here('link'));
    const lock = new Lock(await resolveTarget(target));
    await lock.acquire(target);
    const { code, stderr } = await train(here('link'));
    await lock.release();
    assert.match(stderr, /another run is saving to .*link \(process/);
    assert.equal(code, 2);
    assert.equal((await train(here('link'))).code, 0);
    assert.ok(lstatSync(here('link')).isSymbolicLink());
    assert.ok(lstatSync(target).isFile());
  });

  it('a full disk is warned about, for it may have room at the end', async () => {
    /** @type {any} */
    const fs = { ...files, statfs: async () => ({ blocks: 1e9, bavail: 1, bsize: 512 }) };
    const args = ['train', '--data', here('text'), '--out', target, '--steps', '1', ...tiny];
    const { code, stderr } = await runHere(args, { fs });
    assert.equal(code, 0);
    assert.match(
      stderr,
      /^warning: .*m\.safetensors will need 0\.\d MB, but only 0\.0 MB are free on its disk\n/,
    );
  });
});
