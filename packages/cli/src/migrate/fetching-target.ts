import type { BatchedFile, BatchOutcome, CallOptions, Content, PutOptions } from '@filetracker/client';
import type { FileName, Version } from '@filetracker/protocol';
import { ServerTarget } from './server-target.js';
import { SourceProblem } from './source.js';
import type { MigrationTarget } from './target.js';

/**
 * A server that fetches files itself from where they are now (`--fallback-import`). It is only asked for each file:
 * what was deleted there stays deleted, which a put could not know.
 */
export class FetchingTarget extends ServerTarget implements MigrationTarget {
  /** Absent: asking for a file may change it here. */
  override readonly feed = undefined;

  /** Always undefined: what was asked for is fetched. */
  override async stat(): Promise<undefined> {}

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
    const found = await this.store.statHere(name, options);
    // Nobody may take for migrated what is not, and stop the old server.
    if (found === undefined) {
      throw new SourceProblem(
        'neither the server nor the one that it falls back to has it: does it run with --fallback-import?',
      );
    }
    if (found === 'elsewhere') {
      throw new SourceProblem('the server only redirects to it: it needs --fallback-import, and room');
    }
    return found === 'deleted' ? found : found.version;
  }
}
