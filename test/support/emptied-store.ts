import type { DataStore } from '@filetracker/client';
import { collect } from './collect.js';

/** Deletes all that a store holds, and closes it: one server serves all tests, and each leaves it empty. */
export async function emptied(store: DataStore): Promise<void> {
  for (const { name } of await collect(store.list(''))) {
    const stat = await store.stat(name);
    if (stat) await store.delete(name, stat.version);
  }
  await store.close();
}
