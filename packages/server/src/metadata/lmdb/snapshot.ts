import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, syncFile } from '@filetracker/durable-fs';
import type { AuditedContent } from '../metadata-audit.js';
import type { MetadataSnapshot } from '../metadata-snapshot.js';
import { CHECKPOINTS, DATA_FILE, JOURNAL, LOCK_FILE, METADATA } from './layout.js';
import { openRoot, openTable } from './open-root.js';
import { contentPages } from './view.js';

/** A copied environment, in `metadata/` of a directory of its own. */
export class LmdbSnapshot implements MetadataSnapshot {
  readonly #path: string;

  constructor(directory: string) {
    this.#path = join(directory, METADATA);
  }

  async *contents(): AsyncGenerator<readonly AuditedContent[]> {
    const root = openRoot(this.#path, { durable: false });
    try {
      yield* contentPages(openTable(root, 'contents'), {});
    } finally {
      await root.close();
    }
  }

  async install(store: string): Promise<void> {
    await syncFile(join(this.#path, DATA_FILE));
    // They belong to the metadata that was there, and would pass for what goes with the new one.
    for (const directory of [JOURNAL, CHECKPOINTS])
      await rm(join(store, directory), { recursive: true, force: true });
    await syncDirectory(store);
    const metadata = join(store, METADATA);
    await mkdir(metadata, { recursive: true });
    await rm(join(metadata, LOCK_FILE), { force: true });
    await rename(join(this.#path, DATA_FILE), join(metadata, DATA_FILE));
    await syncDirectory(metadata);
    await syncDirectory(store);
  }
}
