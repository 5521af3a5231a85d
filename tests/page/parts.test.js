import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expertLoad, loadVariation, maxLoad, routerEntropy, routerProbabilities } from 'hyperrouter-wasm';
import { colourOf, contrast, fillOf, letterOf, mix, textOn } from '../../demo/colours.js';
import { fixed } from '../../demo/format.js';
import {
  addHeldOut,
  addLoad,
  addLosses,
  createLoadHistory,
  createLossHistory,
  lossesAt,
} from '../../demo/history.js';
import { createPictureRate } from '../../demo/picture-rate.js';
import { leadOf } from '../../demo/routing.js';
import { cellOf, cellsOf } from '../../demo/text/cells.js';
import { minTokens, ownText, textOfFile } from '../../demo/text/data.js';
import { plain } from '../../demo/text/library.js';

const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);

describe('cells', () => {
  it('are one a byte, and show a character once', () => {
    const cells = cellsOf(encode('a é\n'));
    assert.deepEqual(
      cells.map(({ glyph }) => glyph),
      ['a', '\u00a0', 'é', '', '↵'],
    );
    assert.deepEqual(
      cells.map(({ name }) => name),
      ['a', 'space', 'é, byte 1 of 2', 'é, byte 2 of 2', 'line break'],
    );
    assert.deepEqual(
      cells.map(({ endsWord, endsLine }) => Number(endsWord) + Number(endsLine)),
      [0, 1, 0, 0, 2],
    );
  });

  it('take any bytes', () => {
    const bytes = Uint8Array.from({ length: 512 }, (_, i) => (i * 167) % 256);
    const cells = cellsOf(bytes);
    assert.equal(cells.length, bytes.length);
    // Cut inside a character, a continuation alone, an overlong form, a surrogate, a byte that never occurs.
    for (const bad of [[0xe2, 0x82], [0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xff]]) {
      assert.deepEqual(
        cellsOf(bad).map(({ glyph }) => glyph),
        bad.map(() => '·'),
      );
    }
    assert.equal(cellOf(0xe2).name, 'byte E2');
  });
});

/** How linear light is seen: as usual, and with full protanopia, deuteranopia and tritanopia (Machado 2009). */
const visions = [
  [1, 0, 0, 0, 1, 0, 0, 0, 1],
  [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
];

/** @param {string} hex @param {number[]} vision @returns {number[]} OKLab */
function seen(hex, vision) {
  const light = [1, 3, 5].map((at) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  const times = (/** @type {number[]} */ matrix, /** @type {number[]} */ by) =>
    [0, 1, 2].map((row) => by.reduce((sum, x, i) => sum + matrix[3 * row + i] * x, 0));
  const bounded = times(vision, light).map((c) => Math.min(1, Math.max(0, c)));
  const cones = [
    0.4122214708, 0.5363325363, 0.0514459929, 0.2119034982, 0.6806995451, 0.1073969566, 0.0883024619,
    0.2817188376, 0.6299787005,
  ];
  const lab = [
    0.2104542553, 0.793617785, -0.0040720468, 1.9779984951, -2.428592205, 0.4505937099, 0.0259040371,
    0.7827717662, -0.808675766,
  ];
  return times(lab, times(cones, bounded).map(Math.cbrt));
}

/** @param {number[]} one @param {number[]} other */
const distance = (one, other) => 100 * Math.hypot(...one.map((x, i) => x - other[i]));

describe('colours', () => {
  it('are different for every expert, with legible text', () => {
    for (const experts of [2, 8, 9, 16]) {
      const all = Array.from({ length: experts }, (_, i) => colourOf(i));
      assert.equal(new Set(all).size, experts);
      for (let expert = 0; expert < experts; expert++) {
        for (const strength of [0, 0.2, 0.45, 0.7, 1]) {
          const { fill, text } = fillOf(expert, experts, strength);
          assert.ok(contrast(fill, text) >= 4.5, `${letterOf(expert)} of ${experts} at ${strength}`);
        }
      }
    }
  });

  it('are told apart with any colour vision, and do not change when other experts come', () => {
    const all = Array.from({ length: 16 }, (_, i) => colourOf(i));
    const pairs = all.flatMap((one, i) =>
      all.slice(0, i).map((other, j) => ({ one, other, first: i < 8 && j < 8 })),
    );
    for (const { one, other, first } of pairs) {
      const least = Math.min(...visions.map((vision) => distance(seen(one, vision), seen(other, vision))));
      assert.ok(least > (first ? 14 : 9), `${one} and ${other}: ${least}`);
    }
    for (const experts of [6, 8, 9, 12, 16]) {
      all.slice(0, experts).forEach((colour, i) => {
        assert.equal(fillOf(i, experts, 1).fill, colour);
      });
    }
  });

  it('are mixed in OKLab, and the ends stay what they are', () => {
    assert.equal(mix('#c3e41d', '#2f2087', 0), '#c3e41d');
    assert.equal(mix('#c3e41d', '#2f2087', 1), '#2f2087');
    assert.equal(mix('#000000', '#ffffff', 0.5), '#636363');
    assert.equal(textOn('#ffffff'), '#000000');
    assert.ok(Math.abs(contrast('#000000', '#ffffff') - 21) < 1e-9);
  });

  it('have letters without end', () => {
    assert.deepEqual([0, 25, 26, 52].map(letterOf), ['A', 'Z', 'A2', 'A3']);
  });
});

describe('numbers', () => {
  it('have the sign of minus, and none where nothing is left', () => {
    assert.deepEqual(
      [-0.004, 0.004, -0.006, 1.005, -12].map((value) => fixed(value)),
      ['0.00', '0.00', '−0.01', '1.00', '−12.00'],
    );
    assert.equal(fixed(-0.00004, 4), '0.0000');
  });
});

describe('measures', () => {
  it('of an even and of a collapsed load', () => {
    const even = [...expertLoad([0, 1, 2, 3], 4)];
    assert.deepEqual(even, [0.25, 0.25, 0.25, 0.25]);
    assert.equal(maxLoad(even), 1);
    assert.equal(loadVariation(even), 0);
    const collapsed = [...expertLoad([2, 2, 2, 2], 4)];
    assert.deepEqual(collapsed, [0, 0, 1, 0]);
    assert.equal(maxLoad(collapsed), 4);
    assert.ok(Math.abs(loadVariation(collapsed) - Math.sqrt(3)) < 1e-12);
  });

  it('of a router', () => {
    const logits = Float32Array.of(0, 0, 0, 0, 100, 0, 0, 0);
    assert.deepEqual(routerProbabilities(logits, 4), [0.25, 0.25, 0.25, 0.25]);
    assert.ok(Math.abs(routerEntropy(logits, 4) - 0.5) < 1e-6, 'one undecided, one certain');
    assert.ok(Math.abs(leadOf(Math.log(3), 0) - 0.5) < 1e-12, 'three to one is 75 % to 25 %');
  });
});

describe('history', () => {
  it('tells the losses at any step', () => {
    const history = createLossHistory();
    assert.deepEqual(lossesAt(history, 0), { train: undefined, heldOut: undefined });
    addHeldOut(history, [{ step: 0, loss: 9 }]);
    addLosses(history, 4, [5, 4, 3, 2]);
    addHeldOut(history, [{ step: 3, loss: 6 }]);
    assert.deepEqual(lossesAt(history, 0), { train: undefined, heldOut: { step: 0, loss: 9 } });
    assert.deepEqual(lossesAt(history, 2), { train: history.smooth[1], heldOut: { step: 0, loss: 9 } });
    assert.deepEqual(lossesAt(history, 9), { train: history.smooth[3], heldOut: { step: 3, loss: 6 } });
  });

  it('keeps every loss while there is room', () => {
    const history = createLossHistory();
    addLosses(history, 2, [5, 4]);
    addLosses(history, 3, [3]);
    assert.deepEqual(history.steps, [1, 2, 3]);
    assert.deepEqual(history.train, [5, 4, 3]);
  });

  it('stays small over two hours, and keeps the means', () => {
    const history = createLossHistory();
    const loads = createLoadHistory();
    for (let step = 1; step <= 300_000; step += 3) {
      addLosses(history, step + 2, [1, 2, 3]);
      addLoad(loads, { step, layers: [[1, 0]] });
    }
    assert.ok(history.steps.length < 2048 && history.steps.length >= 1000);
    assert.ok(loads.entries.length < 256 && loads.entries.length >= 100);
    assert.deepEqual(history.steps.length, history.train.length);
    assert.deepEqual(history.steps.length, history.smooth.length);
    const steps = history.steps;
    assert.ok(steps.every((step, i) => i === 0 || step > steps[i - 1]));
    assert.ok(Number(steps.at(-1)) > 299_000 && Number(loads.entries.at(-1)?.step) > 295_000);
    assert.ok(history.train.every((loss) => Math.abs(loss - 2) < 0.02 || history.every < 3));
  });
});

describe('texts', () => {
  /** @param {BlobPart} part @param {string} name */
  const file = (part, name = 'x.txt') => new File([part], name);

  it('are taken in the encodings that files have', async () => {
    const text = 'Čapek’s “robot” — naïve\n';
    const utf16 = new Uint16Array([0xfeff, ...Array.from(text, (c) => c.charCodeAt(0))]);
    for (const part of [text, `\ufeff${text}`, new Uint8Array(utf16.buffer)]) {
      const { bytes } = await textOfFile(file(part));
      assert.equal(new TextDecoder().decode(bytes), text);
    }
    const latin1 = await textOfFile(file(Uint8Array.of(0x6e, 0x61, 0xef, 0x76, 0x65)));
    assert.equal(new TextDecoder().decode(latin1.bytes), 'naïve');
  });

  it('are refused when they are none', async () => {
    const garbage = Uint8Array.from({ length: 5000 }, (_, i) => 1 + ((i * 7919) % 255));
    await assert.rejects(textOfFile(file(garbage, 'a.bin')), /a\.bin is not plain text/);
    await assert.rejects(textOfFile(file(new Uint8Array(100), 'zero')), /zero is not plain text/);
    await assert.rejects(textOfFile(file('', 'b.txt')), /b\.txt is empty/);
    await assert.rejects(
      textOfFile(file(new Uint8Array(20e6 + 1), 'big')),
      /big has 20 MB; the limit is 20 MB/,
    );
    assert.throws(() => ownText('pasted', ''), /pasted is empty/);
  });

  it('need one sequence for each row of the batch, and a tenth more', () => {
    assert.equal(minTokens({ batchSize: 16, contextLength: 64 }), 1156);
  });

  it('become paragraphs of typewriter signs', () => {
    assert.equal(plain('One—two\r\nthree ‘four’.\r\n\r\n“Five”\n'), `One -- two three 'four'.\n"Five"\n`);
  });
});

describe('the rate of pictures', () => {
  /** Frames a second while each picture takes so long. @param {number} cost milliseconds @param {number} [seconds] */
  function simulate(cost, seconds = 20) {
    const rate = createPictureRate();
    const frame = 1000 / 60;
    let [now, drawn, frames] = [0, 0, 0];
    const counted = () => now > (seconds / 2) * 1000;
    while (now < seconds * 1000) {
      rate.onFrame(now);
      if (counted()) frames++;
      let next = now + frame;
      if (now - drawn >= rate.interval()) {
        drawn = now;
        // The screen waits for the next whole frame.
        next = now + Math.max(1, Math.ceil(cost / frame)) * frame;
      }
      now = next;
    }
    return { fps: frames / (seconds / 2), interval: rate.interval() };
  }

  it('leaves 55 frames a second, whatever a picture takes', () => {
    for (const cost of [5, 25, 45, 70, 110]) {
      const { fps, interval } = simulate(cost);
      // At the one update per second that there always is, a picture of 110 ms costs more frames than that.
      assert.ok(fps >= (cost > 100 ? 50 : 55), `${cost} ms: ${fps} frames a second`);
      assert.ok(interval >= 160 && interval <= 1000);
    }
    assert.equal(simulate(5).interval, 160, 'as many as are wanted where they cost nothing');
    assert.ok(simulate(45).interval < 500, 'and no fewer than need be');
    assert.equal(simulate(600).interval, 1000, 'but at least one per second');
  });

  it('does not take a pause for lost frames', () => {
    /** Trains for 200 milliseconds, and pauses for as long. @param {boolean} told */
    const interval = (told) => {
      const rate = createPictureRate();
      for (let now = 0; now < 60_000; now += 400) {
        if (told) rate.begin();
        for (let i = 0; i < 12; i++) rate.onFrame(now + (i * 1000) / 60);
      }
      return rate.interval();
    };
    assert.equal(interval(true), 160);
    assert.equal(interval(false), 1000, 'that it begins again it must be told');
  });

  it('does not take a hidden tab for a slow one', () => {
    const rate = createPictureRate();
    for (let now = 0; now < 60_000; now += 5000) {
      for (let i = 0; i < 60; i++) rate.onFrame(now + (i * 1000) / 60);
    }
    assert.equal(rate.interval(), 160);
  });
});
