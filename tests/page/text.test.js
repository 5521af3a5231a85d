import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fillOf, letterOf, textOn, tie } from '../../demo/colours.js';
import { ownText, TooLongError, textOfFile } from '../../demo/text/data.js';
import { frameBytes, frameViews } from '../../demo/text/frame.js';
import { textLibrary } from '../../demo/text/library.js';
import { lookOf } from '../../demo/text/paint.js';

/** @param {Uint8Array} bytes */
const decode = (bytes) => new TextDecoder().decode(bytes);

describe('the built-in texts', () => {
  const plugin = /** @type {any} */ (textLibrary());
  /** @param {string} name @returns {{ text: string, bytes: number }} */
  const load = (name) => {
    const source = plugin.load(plugin.resolveId(`virtual:text/${name}`));
    return { text: JSON.parse(source.slice('export default '.length, -1)), bytes: gzipSync(source).length };
  };

  it('are cut: the novel at the end of a chapter, in no more than the page may load', () => {
    const { text, bytes } = load('moby-dick');
    assert.match(text, /^CHAPTER 1\. Loomings\.\nCall me Ishmael\. /);
    assert.match(text, /CHAPTER 36\. The Quarter-Deck\.[\s\S]*retired within his cabin\.\n$/);
    assert.doesNotMatch(text, /CHAPTER 37/);
    assert.ok(text.length > 330_000 && text.length < 400_000, `${text.length} characters`);
    assert.ok(bytes < 160_000, `${bytes} bytes compressed`);
  });

  it('are a list of names too, in an order of its own that does not change', () => {
    const { text, bytes } = load('names');
    const names = text.trimEnd().split('\n');
    assert.ok(names.length > 5000 && new Set(names).size === names.length);
    assert.ok(names.every((name) => /^[A-Z][\p{L}' -]*$/u.test(name)));
    assert.deepEqual(load('names').text, text);
    const early = (/** @type {string[]} */ of) => of.filter((name) => name < 'K').length / of.length;
    const [all, last] = [early(names), early(names.slice(-500))];
    assert.ok(Math.abs(all - last) < 0.1, `names before K: ${all} of all, ${last} of the last`);
    assert.ok(bytes < 40_000);
  });

  it('are no others', () => {
    assert.equal(plugin.resolveId('preact'), undefined);
    assert.throws(() => plugin.load('\0virtual:text/x'), /there is no text “x”/);
  });
});

describe('texts that are too long', () => {
  /** @param {BlobPart[]} parts @param {string} name */
  const file = (parts, name) => new File(parts, name);
  const megabyte = 'ü'.repeat(5e5);

  it('are refused, and their beginning is offered, without half a character', async () => {
    // One byte before, so that the limit falls inside a character.
    const fifty = file(['x', ...Array(50).fill(megabyte)], 'fifty.txt');
    const error = await textOfFile(fifty).catch((reason) => reason);
    assert.ok(error instanceof TooLongError);
    assert.match(error.message, /^fifty\.txt has 50 MB; the page takes texts of up to 20 MB\.$/);
    const { name, bytes } = await error.beginning();
    assert.equal(name, 'The beginning of fifty.txt');
    assert.equal(bytes.length, 20e6 - 1);
    assert.match(decode(bytes.subarray(-4)), /^üü$/);
  });

  it('when pasted, too', async () => {
    let thrown;
    try {
      ownText('The pasted text', megabyte.repeat(21));
    } catch (error) {
      thrown = error;
    }
    assert.ok(thrown instanceof TooLongError);
    assert.equal((await thrown.beginning()).bytes.length, 20e6);
  });
});

describe('UTF-16', () => {
  const words = 'Call me Ishmael. Ahoj, lidé! ';
  for (const order of /** @type {const} */ (['le', 'be'])) {
    it(`is recognised by its zeros without a byte order mark, ${order}`, async () => {
      const bytes = Buffer.from(words, 'utf16le');
      if (order === 'be') bytes.swap16();
      assert.equal(decode((await textOfFile(new File([bytes], 'x'))).bytes), words);
    });
  }

  it('with half a surrogate pair is read all the same', async () => {
    const bytes = Buffer.from(`\ufeff${words}\ud800`, 'utf16le');
    assert.equal(decode((await textOfFile(new File([bytes], 'x'))).bytes), `${words}\ufffd`);
  });
});

describe('the look of a character', () => {
  const shape = { tokens: 2, layers: 2, topK: 2, experts: 4, predictions: 0 };
  const views = frameViews(new ArrayBuffer(frameBytes(shape)), shape);
  views.layers[0].experts.set([2, 1, 0, 3]);
  views.layers[0].logits.set([0, 1, 2, 0, 1, 0, 0, 0.999]);
  views.layers[0].weights.set([0.73, 0.27, 0.5, 0.5]);
  views.layers[1].experts.set([3, 0, 1, 2]);
  views.layers[1].logits.set([0, 0, 0, 3, 0, 3, 1, 0]);
  views.layers[1].weights.set([0.95, 0.05, 0.88, 0.12]);
  const routed = { tokens: new Uint8Array([9, 9, 65, 66]), from: 2, shape, views };
  const look = { layer: 1, strength: false, letters: true, lit: null };

  it('is the first expert’s colour, and a stripe of the second', () => {
    const { background, letter } = lookOf(routed, 2, look);
    assert.equal(letter, 'C');
    assert.ok(
      background.includes(fillOf(2, 4, 1).fill) && background.includes(`${fillOf(1, 4, 1).fill} 4px`),
    );
  });

  it('is grey and has no letter where two are level', () => {
    assert.deepEqual(lookOf(routed, 3, look), { background: tie, text: '#000000', letter: '', letters: '' });
  });

  it('is one stripe a layer where all are shown, each with its letter in a legible colour', () => {
    const { background, letter, letters } = lookOf(routed, 2, { ...look, layer: 0 });
    assert.equal(letter, 'C\nD');
    const fills = [2, 3].map((expert) => fillOf(expert, 4, 1).fill);
    assert.ok(background.indexOf(fills[0]) < background.indexOf(fills[1]), 'the first layer is on top');
    assert.deepEqual(letters.match(/#\w{6}/g), fills.map(textOn));
    const tied = lookOf(routed, 3, { ...look, layer: 0 });
    assert.equal(tied.letter, `\u00a0\n${letterOf(1)}`);
    assert.ok(tied.background.includes(tie));
    const low = lookOf(routed, 2, { ...look, layer: 0, letters: false }).background;
    assert.ok(low.includes('33px') && !low.includes('39px'), 'stripes without letters are lower');
  });

  it('is that of paper for a prompt, and dimmed where others are meant', () => {
    assert.equal(lookOf(routed, 0, look).background, '');
    const lit = Uint8Array.of(0, 0, 1, 0);
    assert.deepEqual(lookOf(routed, 2, { ...look, lit }), lookOf(routed, 2, look));
    assert.equal(lookOf(routed, 3, { ...look, lit }).background, 'none');
    assert.equal(lookOf(null, 0, look).background, '');
  });
});
