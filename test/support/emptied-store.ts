import type { DataStore } from '@filetracker/client';
import { collect } from './collect.js';

/** Deletes all that a store holds, and closes it: one server serves all tests, and each leaves it empty. */
export async function emptied(store: DataStore): Promise<void> {
  // Some tests leave hundreds of files: at once they share what a slow disk needs for each commit.
  const files = await collect(store.list(''));
  await Promise.all(
    files.map(async ({ name }) => {
      const stat = await store.stat(name);
      if (stat) await store.delete(name, stat.version);
    }),
  );
  await store.close();
}
