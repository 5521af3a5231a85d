import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Rate } from '../../demo/trainer/rate.js';

describe('the rate of training', () => {
  /**
   * @param {Rate} rate
   * @param {{ from?: number, every: number, steps: number, examples: number, clock?: number }} training clock: the
   *   milliseconds that it counts in
   */
  function train(rate, { from = 0, every, steps, examples, clock = 0.001 }) {
    for (let i = 1; i <= steps; i++) {
      rate.add(examples, Math.floor((from + i * every) / clock) * clock);
    }
    return rate.perSecond;
  }

  it('is by the clock, with the time between the steps', () => {
    assert.equal(Math.round(train(new Rate(), { every: 500, steps: 20, examples: 64 })), 128);
    assert.equal(Math.round(train(new Rate(), { every: 4000, steps: 4, examples: 1024 })), 256);
  });

  it('is the same by a clock that counts whole milliseconds, or more of them', () => {
    for (const clock of [1, 5, 100]) {
      const perSecond = train(new Rate(), { every: 0.75, steps: 4000, examples: 14, clock });
      const part = perSecond / (14 / 0.00075);
      assert.ok(Math.abs(part - 1) < 0.05, `${perSecond} with a clock of ${clock} ms`);
    }
  });

  it('is not said before it is known', () => {
    const rate = new Rate();
    assert.equal(train(rate, { every: 0.01, steps: 3, examples: 64, clock: 1 }), 0);
  });

  it('follows another speed in some seconds, and no rest counts', () => {
    const rate = new Rate();
    train(rate, { every: 10, steps: 1000, examples: 64 });
    const slow = train(rate, { from: 10_000, every: 500, steps: 8, examples: 64 });
    assert.equal(Math.round(slow), 128);
    rate.begin();
    assert.equal(rate.perSecond, slow, 'until another is known');
    assert.equal(Math.round(train(rate, { from: 60_000, every: 10, steps: 50, examples: 64 })), 6400);
  });
});
