import type { Lock, LockManager } from '@filetracker/client';
import { parseFileName } from '@filetracker/client';
import { beforeEach, describe, expect, it } from 'vitest';

const A = parseFileName('dir/a');
const B = parseFileName('dir/b');

/** Whether a lock is granted within a moment; gives it back if so. */
async function isFree(locks: LockManager, mode: 'shared' | 'exclusive', name = A): Promise<boolean> {
  const signal = AbortSignal.timeout(100);
  try {
    const lock = await locks.acquire(name, mode, { signal });
    await lock.release();
    return true;
  } catch (error) {
    if (!signal.aborted) throw error;
    return false;
  }
}

/** What {@link LockManager} promises. `make` gives two managers of the same locks, as in two processes. */
export function lockManagerConformance(label: string, make: () => readonly [LockManager, LockManager]): void {
  describe(`${label} keeps the promises of LockManager`, () => {
    let mine: LockManager;
    let theirs: LockManager;
    beforeEach(() => {
      [mine, theirs] = make();
    });

    it.each(['mine', 'theirs'] as const)('an exclusive lock excludes all others of %s', async (whose) => {
      const others = whose === 'mine' ? mine : theirs;
      const lock = await mine.acquire(A, 'exclusive');
      expect(await isFree(others, 'shared')).toBe(false);
      expect(await isFree(others, 'exclusive')).toBe(false);
      expect(await isFree(others, 'exclusive', B)).toBe(true);
      await lock.release();
      expect(await isFree(others, 'exclusive')).toBe(true);
    });

    it.each([
      'mine',
      'theirs',
    ] as const)('shared locks go together, and exclude exclusive ones of %s', async (whose) => {
      const others = whose === 'mine' ? mine : theirs;
      const lock = await mine.acquire(A, 'shared');
      expect(await isFree(others, 'shared')).toBe(true);
      expect(await isFree(others, 'exclusive')).toBe(false);
      await lock.release();
      expect(await isFree(others, 'exclusive')).toBe(true);
    });

    it.each(['shared', 'exclusive'] as const)('isHeld sees the %s locks of everybody', async (mode) => {
      expect(await theirs.isHeld(A)).toBe(false);
      const lock = await mine.acquire(A, mode);
      expect([await mine.isHeld(A), await theirs.isHeld(A), await theirs.isHeld(B)]).toEqual([
        true,
        true,
        false,
      ]);
      await lock.release();
      expect([await mine.isHeld(A), await theirs.isHeld(A)]).toEqual([false, false]);
      // Locks of names below it: a file has become a directory.
      const below = await mine.acquire(parseFileName('dir/a/below'), 'exclusive');
      expect(await theirs.isHeld(A)).toBe(false);
      await below.release();
    });

    it('tryAcquire takes what is free and waits for nobody', async () => {
      for (const others of [mine, theirs]) {
        const lock = await mine.tryAcquire(A, 'shared');
        expect(lock).toBeDefined();
        expect(await others.tryAcquire(A, 'exclusive')).toBeUndefined();
        const shared = await others.tryAcquire(A, 'shared');
        await shared?.release();
        expect(shared).toBeDefined();
        await lock?.discard();
        const exclusive = await others.tryAcquire(A, 'exclusive');
        expect(await mine.tryAcquire(A, 'shared')).toBeUndefined();
        await exclusive?.release();
        expect(await isFree(mine, 'exclusive')).toBe(true);
      }
    });

    it('those who wait get their turn in order', async () => {
      const order: number[] = [];
      const first = await mine.acquire(A, 'exclusive');
      const waiting = [1, 2, 3].map(async (number) => {
        const lock = await mine.acquire(A, 'exclusive');
        order.push(number);
        await lock.release();
      });
      await first.release();
      await Promise.all(waiting);
      expect(order).toEqual([1, 2, 3]);
    });

    it('waiting ends with the reason of an abort, and is no obstacle afterwards', async () => {
      const held = await mine.acquire(A, 'shared');
      const abort = new AbortController();
      const waiting = mine.acquire(A, 'exclusive', { signal: abort.signal });
      abort.abort(new Error('no time'));
      await expect(waiting).rejects.toThrow('no time');
      expect(await isFree(mine, 'shared')).toBe(true);
      await held.release();
      expect(await isFree(theirs, 'exclusive')).toBe(true);
    });

    it('a discarded lock is free, and never held twice', async () => {
      let holders = 0;
      const use = async (lock: Lock) => {
        holders++;
        expect(holders).toBe(1);
        await new Promise(setImmediate);
        holders--;
        await lock.discard();
      };
      const rounds = Array.from({ length: 40 }, (_, index) => (index % 2 ? mine : theirs));
      await Promise.all(rounds.map(async (locks) => use(await locks.acquire(A, 'exclusive'))));
      expect(await isFree(mine, 'exclusive')).toBe(true);
    });
  });
}
