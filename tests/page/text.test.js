import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fillOf, letterOf, textOn, tie } from '../../demo/colours.js';
import { changedSets, changesBetween, momentAt, scaleOf, shownMoment } from '../../demo/moments.js';
import { ownText, TooLongError, textOfFile } from '../../demo/text/data.js';
import { frameBytes, frameViews, unread } from '../../demo/text/frame.js';
import { textLibrary } from '../../demo/text/library.js';
import { lookOf } from '../../demo/text/paint.js';
import { classTable, informationOf, layerSample, lookUp, profilesOf } from '../../demo/text/profile.js';
import { createSpotlight, litBy, nameOfSpot } from '../../demo/text/spotlight.js';

/** @param {Uint8Array} bytes */
const decode = (bytes) => new TextDecoder().decode(bytes);

describe('the built-in texts', () => {
  const plugin = /** @type {any} */ (textLibrary());
  /** @param {string} name @returns {{ text: string, bytes: number }} */
  const load = (name) => {
    const source = plugin.load(plugin.resolveId(`virtual:text/${name}`));
    return { text: JSON.parse(source.slice('export default '.length, -1)), bytes: gzipSync(source).length };
  };

  it('are cut: the novel at the end of a chapter, within the size limit of the page', () => {
    const { text, bytes } = load('moby-dick');
    assert.match(text, /^CHAPTER 1\. Loomings\.\nCall me Ishmael\. /);
    assert.match(text, /\nCHAPTER 38\. Dusk\.\n[\s\S]*[.!?]\n$/);
    assert.doesNotMatch(text, /CHAPTER 39/);
    assert.ok(text.length > 330_000 && text.length < 400_000, `${text.length} characters`);
    assert.ok(bytes < 160_000, `${bytes} bytes compressed`);
  });

  it('include a list of names, in a fixed order', () => {
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

  it('are the only ones', () => {
    assert.equal(plugin.resolveId('preact'), undefined);
    assert.throws(() => plugin.load('\0virtual:text/x'), /there is no text “x”/);
  });
});

describe('texts that are too long', () => {
  /** @param {BlobPart[]} parts @param {string} name */
  const file = (parts, name) => new File(parts, name);
  const megabyte = 'ü'.repeat(5e5);

  it('are rejected, and their beginning is offered, without an incomplete character', async () => {
    // One byte before, so that the limit falls inside a character.
    const fifty = file(['x', ...Array(50).fill(megabyte)], 'fifty.txt');
    const error = await textOfFile(fifty).catch((reason) => reason);
    assert.ok(error instanceof TooLongError);
    assert.match(error.message, /^fifty\.txt has 50 MB; the limit is 20 MB\.$/);
    const { name, bytes } = await error.beginning();
    assert.equal(name, 'Beginning of fifty.txt');
    assert.equal(bytes.length, 20e6 - 1);
    assert.match(decode(bytes.subarray(-4)), /^üü$/);
  });

  it('when pasted, too', async () => {
    let thrown;
    try {
      ownText('Pasted text', megabyte.repeat(21));
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

  it('with a lone surrogate is read anyway', async () => {
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
  const routed = { tokens: Int32Array.of(9, 9, 65, 66), from: 2, shape, views };
  const look = { layer: 1, strength: false, letters: true, lit: null };

  it('is the first expert’s colour, and a stripe of the second', () => {
    const { background, letter } = lookOf(routed, 2, look);
    assert.equal(letter, 'C');
    assert.ok(
      background.includes(fillOf(2, 4, 1).fill) && background.includes(`${fillOf(1, 4, 1).fill} 4px`),
    );
  });

  it('is grey and has no letter where two are tied', () => {
    assert.deepEqual(lookOf(routed, 3, look), { background: tie, text: '#000000', letter: '', inks: [] });
  });

  it('is one stripe per layer where all are shown, each with a legible letter', () => {
    const { background, letter, inks } = lookOf(routed, 2, { ...look, layer: 0 });
    assert.equal(letter, 'C\nD');
    const fills = [2, 3].map((expert) => fillOf(expert, 4, 1).fill);
    assert.ok(background.indexOf(fills[0]) < background.indexOf(fills[1]), 'the first layer is on top');
    assert.deepEqual(inks, fills.map(textOn));
    const tied = lookOf(routed, 3, { ...look, layer: 0 });
    assert.equal(tied.letter, `\u00a0\n${letterOf(1)}`);
    assert.ok(tied.background.includes(tie));
    const low = lookOf(routed, 2, { ...look, layer: 0, letters: false }).background;
    assert.ok(low.includes('33px') && !low.includes('39px'), 'stripes without letters are lower');
  });

  it('is plain for a prompt, and dimmed where others are highlighted', () => {
    assert.equal(lookOf(routed, 0, look).background, '');
    const lit = Uint8Array.of(0, 0, 1, 0);
    assert.deepEqual(lookOf(routed, 2, { ...look, lit }), lookOf(routed, 2, look));
    assert.equal(lookOf(routed, 3, { ...look, lit }).background, 'none');
    assert.equal(lookOf(null, 0, look).background, '');
  });
});

const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);

describe('what experts specialise in', () => {
  // “abab… ” of which expert 1 takes every b and half of the spaces, expert 0 the rest; the last one was not read.
  const tokens = Int32Array.from(encode('ab '.repeat(40)));
  const classes = tokens.map((token) => ({ 97: 0, 98: 1 })[token] ?? 4);
  const chosen = Int16Array.from(tokens, (token, i) => Number(token === 98 || (token === 32 && i % 2 === 0)));
  chosen[chosen.length - 1] = unread;
  const sample = { tokens, classes, experts: chosen, topK: 1, count: 3 };

  it('is counted by class', () => {
    const { rows, load, tokens: read } = classTable(sample);
    assert.equal(read, 119);
    assert.deepEqual(
      rows.map(({ id, tokens: times }) => [id, times]),
      [
        [0, 40],
        [1, 40],
        [4, 39],
      ],
    );
    assert.deepEqual(
      rows.map(({ shares }) => shares[1]),
      [0, 1, 20 / 39],
    );
    assert.ok(Math.abs(load[1] - 60 / 119) < 1e-12 && load[2] === 0);
    assert.ok(Math.abs(rows[1].lifts[1] - 119 / 60) < 1e-12);
    assert.equal(rows[0].lifts[2], 0, 'an expert that takes nothing takes no more of anything');
  });

  it('lists the characters and pairs of highest lift', () => {
    const [a, b, none] = profilesOf(sample, 5);
    assert.deepEqual(
      a.characters.map(({ tokens: is }) => is),
      [[97]],
    );
    assert.deepEqual(b.characters[0], { tokens: [98], lift: 119 / 60, times: 40, share: 1 });
    assert.deepEqual(b.pairs[0].tokens, [97, 98], 'the pair ends in the character that was taken');
    assert.deepEqual([none.load, none.characters, none.pairs], [0, [], []]);
    const few = { ...sample, tokens: tokens.slice(0, 9), experts: chosen.slice(0, 9) };
    assert.deepEqual(profilesOf(few, 5)[1].characters, [], 'three times may be chance');
  });

  it('is measured in bits, to be compared with an untrained model', () => {
    const few = (/** @type {number[]} */ experts) => ({
      tokens: [97, 98, 97, 98],
      classes: [0, 1, 0, 1],
      experts: Int16Array.from(experts),
      topK: 1,
      count: 2,
    });
    assert.equal(informationOf(few([0, 1, 0, 1])), 1, 'the expert tells the character');
    assert.equal(informationOf(few([0, 0, 1, 1])), 0, 'it tells nothing');
    assert.equal(informationOf(few([1, 1, 1, 1])), 0);
    const of = lookUp(few([0, 1, 0, 1]));
    assert.deepEqual(of([97], 0), { lift: 2, share: 1 });
    assert.deepEqual(of([97], 1), { lift: 0, share: 0 });
    assert.equal(of([97, 98], 1)?.share, 1);
    assert.equal(of([99], 0), undefined);
  });

  it('counts a token once for each of its k experts', () => {
    const both = {
      tokens: tokens.slice(0, 30),
      classes,
      experts: Int16Array.from({ length: 60 }, (_, i) => i % 2),
      topK: 2,
      count: 2,
    };
    assert.deepEqual(classTable(both).load, [0.5, 0.5]);
    assert.deepEqual(
      classTable(both).rows.map(({ shares }) => shares),
      [
        [0.5, 0.5],
        [0.5, 0.5],
        [0.5, 0.5],
      ],
    );
  });

  it('comes from the end of a frame, one layer at a time', () => {
    const shape = {
      tokens: 1,
      layers: 2,
      topK: 1,
      experts: 3,
      predictions: 2,
      sample: { tokens: 3, step: 7, topK: 1 },
    };
    const buffer = new ArrayBuffer(frameBytes(shape));
    const views = frameViews(buffer, shape);
    assert.equal(views.sample.byteOffset + views.sample.byteLength, buffer.byteLength);
    views.sample.set([0, 1, 2, 2, 1, 0]);
    const routed = { tokens: new Int32Array(1), from: 0, shape, views };
    const data = { sample: Int32Array.of(5, 6, 7), sampleClasses: Uint8Array.of(0, 0, 1) };
    assert.deepEqual([...(layerSample(routed, data, 1)?.experts ?? [])], [2, 1, 0]);
    assert.equal(layerSample(routed, data, 2), undefined);
    assert.equal(layerSample(routed, { ...data, sample: Int32Array.of(1) }, 0), undefined, 'of another text');
  });
});

describe('the spotlight', () => {
  const shape = { tokens: 4, layers: 1, topK: 2, experts: 4, predictions: 0 };
  const views = frameViews(new ArrayBuffer(frameBytes(shape)), shape);
  views.layers[0].experts.set([0, 1, 2, 0, 3, 1, 1, 2]);
  const routed = { tokens: Int32Array.of(9, 1, 2, 1, 2), from: 1, shape, views };
  const classes = [0, 0, 1, 0, 1];

  it('highlights what meets all conditions', () => {
    const lit = (/** @type {import('../../demo/text/spotlight.js').Spot} */ spot) => [
      ...litBy(spot, routed, classes),
    ];
    assert.deepEqual(lit({ class: 0 }), [0, 1, 0, 1, 0], 'not the prompt');
    assert.deepEqual(lit({ layer: 1, expert: 1 }), [0, 1, 0, 1, 1], 'as one of k');
    assert.deepEqual(lit({ class: 1, layer: 1, expert: 1 }), [0, 0, 0, 0, 1]);
    assert.deepEqual(lit({ tokens: [1, 2] }), [0, 1, 1, 1, 1]);
    assert.deepEqual(lit({ tokens: [2, 1] }), [0, 0, 1, 1, 0]);
    assert.deepEqual(lit({ layer: 2, expert: 1 }), [0, 0, 0, 0, 0], 'a layer that is not there');
  });

  it('stays on a selection until it is selected again, and follows the pointer meanwhile', () => {
    const { spot, press, point, isPressed, clear } = createSpotlight();
    press({ class: 1 });
    point({ class: 0 });
    assert.deepEqual(spot.value, { class: 0 });
    point(null);
    assert.deepEqual(spot.value, { class: 1 });
    assert.ok(isPressed({ class: 1 }) && !isPressed({ class: 0 }));
    press({ class: 1 });
    assert.equal(spot.value, null);
    press({ class: 0 });
    clear();
    assert.equal(spot.value, null);
  });

  it('has a name', () => {
    const name = (/** @type {any} */ spot) => nameOfSpot(spot, (token) => token);
    assert.equal(name({ class: 0 }), 'vowels');
    assert.equal(name({ class: 5, layer: 1, expert: 2 }), 'line breaks of expert C of layer 1');
    assert.equal(name({ layer: 1, expert: 0 }), 'tokens of expert A of layer 1');
    assert.equal(name({ tokens: [116, 104] }), '“th”');
  });
});

describe('moments', () => {
  const moments = [{ step: 0 }, { step: 5 }, { step: 1200 }];

  it('are at the positions of the slider, and the present follows the last', () => {
    assert.deepEqual(
      [0, 2, 3, 9].map((value) => momentAt(value, 3)),
      [0, 2, null, null],
    );
    assert.deepEqual(shownMoment({ moments, moment: 2, step: 1500 }), {
      step: 1200,
      words: 'step 1,200 of 1,500',
    });
    assert.deepEqual(shownMoment({ moments, moment: null, step: 9 }), { step: 9, words: 'now, step 9' });
    assert.deepEqual(shownMoment({ moments, moment: 7, step: 9 }), { step: 9, words: 'now, step 9' });
  });

  it('have a scale that says what it is', () => {
    assert.deepEqual(scaleOf(moments), [
      { share: 0, step: 0 },
      { share: 1 / 3, step: 5 },
      { share: 2 / 3, step: 1200 },
    ]);
    const many = Array.from({ length: 38 }, (_, i) => ({ step: i * i }));
    const scale = scaleOf(many);
    assert.equal(scale.length, 6);
    for (const { share, step } of scale) assert.equal(step, many[Math.round(share * 38)].step);
    assert.deepEqual(scaleOf([]), []);
  });

  it('differ where the set of experts does, whatever their order', () => {
    const before = Int32Array.of(0, 1, 2, 3, 4, 5);
    assert.deepEqual([...changedSets(before, Int32Array.of(1, 0, 2, 4, 4, 5), 2)], [0, 1, 0]);
    const look = (/** @type {number} */ step, /** @type {number[]} */ experts, topK = 2) => ({
      step,
      topK,
      experts: Int32Array.from(experts),
    });
    const rows = changesBetween([look(0, [0, 1]), look(1, [0, 2]), look(2, [0], 1)]);
    assert.deepEqual(
      rows.map(({ from, to, changed }) => [from, to, changed && [...changed]]),
      [
        [0, 1, [1]],
        [1, 2, null],
      ],
    );
    assert.deepEqual(changesBetween([]), []);
  });
});
