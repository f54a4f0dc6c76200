import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BytePath,
  openCatalog,
  openQueries,
  parseBytePath,
  type QueryDatabase,
  type ScanRun,
  scan,
} from '@filetracker/catalog';
import { temporaryDirectory } from './temporary-directory.js';

/** A real directory tree with a catalog of its own. */
export class ScannedTree {
  /** The root, with a space and a hyphen. */
  readonly root: string;
  readonly path: BytePath;
  readonly #database: string;

  constructor() {
    const place = realpathSync(temporaryDirectory());
    this.root = join(place, 'a tree-1');
    this.path = parseBytePath(this.root);
    this.#database = join(place, 'catalog.db');
    mkdirSync(this.root);
  }

  /** Scans the tree, and waits until the clock is past the scan: each scan has a moment of its own. */
  async scan(): Promise<ScanRun> {
    const catalog = await openCatalog(this.#database, { create: true });
    const run = await scan(catalog, this.path, { allowEmpty: true, threads: 1 });
    await catalog.close();
    while (Date.now() <= run.finishedAt) await new Promise((resolve) => setImmediate(resolve));
    return run;
  }

  /** Runs something on the tables as they are now. */
  async query<Result>(action: (database: QueryDatabase) => Promise<Result>): Promise<Result> {
    const database = await openQueries(this.#database);
    try {
      return await action(database);
    } finally {
      await database.close();
    }
  }
}
