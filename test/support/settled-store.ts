import { expect, vi } from 'vitest';
import { type StoreTotals, storeTotals } from './file-requests.js';
import { PATIENTLY } from './patiently.js';
import { storeFiles } from './store-files.js';

/**
 * The totals of a store once nothing is left to delete. A deletion is answered before its content is gone, which
 * changes the totals once more, and the journal twice: the note that a copy is to be deleted goes after the copy.
 */
export function settledTotals(port: number): Promise<StoreTotals> {
  return vi.waitFor(async () => {
    const totals = await storeTotals(port);
    expect(totals.garbage_contents).toBe(0);
    return totals;
  }, PATIENTLY);
}

/** All that a client and an administrator can see of a store once nothing is left to delete. */
export async function settledStore({
  directory,
  port,
}: {
  readonly directory: string;
  readonly port: number;
}) {
  const totals = await settledTotals(port);
  return { totals, files: storeFiles(directory) };
}
