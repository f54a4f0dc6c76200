import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { concurrently } from '#cli/concurrently.js';

it('throws what one action fails with, also while the next item is waited for, and begins no more', async () => {
  async function* slowly() {
    for (let item = 1; item <= 5; item++) {
      yield item;
      // All that an action does at once is over by then.
      await setImmediate();
    }
  }
  const begun: number[] = [];
  const running = concurrently(slowly(), async (item) => {
    begun.push(item);
    if (item === 2) throw new Error('no room');
  });
  await expect(running).rejects.toThrow('no room');
  expect(begun).toEqual([1, 2]);
});
