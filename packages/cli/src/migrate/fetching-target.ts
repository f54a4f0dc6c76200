import type { BatchedFile, BatchOutcome, CallOptions, Content, PutOptions } from '@filetracker/client';
import type { FileName, Version } from '@filetracker/protocol';
import { ServerTarget } from './server-target.js';
import type { MigrationTarget } from './target.js';

/**
 * A server that fetches files itself from where they are now (`--fallback-import`). It is only asked for each file:
 * what was deleted there stays deleted, which a put could not know.
 */
export class FetchingTarget extends ServerTarget implements MigrationTarget {
  /** Absent: asking for a file may change it here. */
  override readonly feed = undefined;

  override async put(
    name: FileName,
    _version: Version,
    _content: Content,
    { signal }: PutOptions,
  ): Promise<Version | 'deleted'> {
    return this.#ask(name, { signal });
  }

  override putBatch(
    files: readonly BatchedFile[],
    options: CallOptions,
  ): Promise<readonly (BatchOutcome | 'deleted')[]> {
    return Promise.all(files.map(({ name }) => this.#ask(name, options).catch((error: Error) => error)));
  }

  async #ask(name: FileName, options: CallOptions): Promise<Version | 'deleted'> {
    return (await this.store.stat(name, options))?.version ?? 'deleted';
  }
}
