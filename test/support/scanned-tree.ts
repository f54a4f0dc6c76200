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
import type { DatabaseKind } from './databases.js';
import { temporaryDirectory } from './temporary-directory.js';

/** A real directory tree with a catalog of its own. */
export class ScannedTree {
  private constructor(
    /** The root, with a space and a hyphen. */
    readonly root: string,
    /** Where the catalog is. */
    readonly database: string,
  ) {}

  /** Makes an empty tree, and its catalog in a database of that kind. */
  static async in({ newPlace }: Pick<DatabaseKind, 'newPlace'>): Promise<ScannedTree> {
    const place = realpathSync(temporaryDirectory());
    const root = join(place, 'a tree-1');
    mkdirSync(root);
    return new ScannedTree(root, await newPlace(place));
  }

  get path(): BytePath {
    return parseBytePath(this.root);
  }

  /** Scans the tree, and waits until the clock is past the scan: each scan has a moment of its own. */
  async scan(): Promise<ScanRun> {
    const catalog = await openCatalog(this.database, { create: true });
    const run = await scan(catalog, this.path, { allowEmpty: true, threads: 1 });
    await catalog.close();
    while (Date.now() <= run.finishedAt) await new Promise((resolve) => setImmediate(resolve));
    return run;
  }

  /** Runs something on the tables as they are now. */
  async query<Result>(action: (database: QueryDatabase) => Promise<Result>): Promise<Result> {
    const database = await openQueries(this.database);
    try {
      return await action(database);
    } finally {
      await database.close();
    }
  }
}
