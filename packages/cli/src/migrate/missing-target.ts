import type { ExistingFile, MigrationTarget } from './target.js';

/** A store that a migration would make, for a dry run: it has no files, and nothing can be put into it. */
export class MissingTarget implements MigrationTarget {
  async *list(): AsyncGenerator<readonly ExistingFile[]> {}

  async stat(): Promise<undefined> {}

  async put(): Promise<never> {
    throw new Error('a dry run stores nothing');
  }

  putBatch(): Promise<never> {
    return this.put();
  }

  delete(): Promise<never> {
    return this.put();
  }

  async close(): Promise<void> {}
}
