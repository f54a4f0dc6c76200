import { expect, it, onTestFinished, vi } from 'vitest';
import { ThreadGrowth } from '#catalog/crawl/thread-growth.js';
import { createSharedWork, WorkPool } from '#catalog/crawl/work-pool.js';
import { PATIENTLY } from '../support/patiently.js';

/** Counts how often more threads are asked for while so many directories are to be read and nothing else goes on. */
function growthWith(directories: number): { readonly starts: () => number } {
  const pool = new WorkPool(createSharedWork());
  pool.addOutstanding(directories);
  let starts = 0;
  const growth = new ThreadGrowth(pool, () => starts++);
  growth.begin();
  onTestFinished(() => growth.end());
  return { starts: () => starts };
}

it('threads that wait for the disk get company, up to four a core, where there is work for them', async () => {
  const few = growthWith(3);
  const many = growthWith(1000);
  await vi.waitFor(() => expect(many.starts()).toBe(3), PATIENTLY);
  // Long after its last round:
  const later = growthWith(1000);
  await vi.waitFor(() => expect(later.starts()).toBe(3), PATIENTLY);
  expect(many.starts()).toBe(3);
  expect(few.starts()).toBe(0);
});
