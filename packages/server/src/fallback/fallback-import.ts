import {
  CHECKSUM_HEADER,
  type Digest,
  type FileName,
  LOGICAL_SIZE_HEADER,
  ProtocolError,
  parseDigest,
} from '@filetracker/protocol';
import type { Logger } from 'pino';
import type { FileStore } from '../store/file-store.js';
import { type FallbackFile, type FallbackServer, failed } from './fallback-server.js';

/** Fetches files that are not here from another server and stores them, so that a migration finishes by itself. */
export class FallbackImport {
  /** Imports under way: whoever asks for the same file waits for the same import. */
  readonly #underWay = new Map<FileName, Promise<boolean>>();

  constructor(
    private readonly server: FallbackServer,
    private readonly store: FileStore,
    private readonly logger: Pick<Logger, 'info'>,
  ) {}

  /**
   * Stores what the other server has under a name; false if it has nothing. Throws what {@link FallbackServer.get} does,
   * and whatever storing throws. A name that is stored or deleted here meanwhile stays so.
   */
  import(name: FileName): Promise<boolean> {
    const running = this.#underWay.get(name);
    if (running) return running;
    const started = this.#import(name).finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, started);
    return started;
  }

  async #import(name: FileName): Promise<boolean> {
    if (await this.store.wasDeleted(name)) return false;
    try {
      return await this.#fetch(name);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'fallback_failed') throw error;
      // A connection that broke is worth another try.
      return this.#fetch(name);
    }
  }

  async #fetch(name: FileName): Promise<boolean> {
    const response = await this.server.get(name);
    if (!response) return false;
    const { body, version } = response;
    try {
      const stored = await this.store.put({
        name,
        version,
        content: body,
        // Without these only the length and the encoding tell whether all came; both are checked on the way.
        digest: digestIn(response),
        size: sizeIn(response),
        condition: { neverStored: true },
      });
      this.logger.info({ name, version: stored.version, size: stored.size }, 'imported');
      return true;
    } catch (error) {
      response.cancel();
      if (!(error instanceof ProtocolError)) throw error;
      // Somebody stored or deleted it meanwhile: that is what counts, and another look shows it.
      if (error.code === 'precondition_failed') return true;
      // Here it is a directory, or below a file.
      if (error.code === 'name_conflict') return false;
      const isTheirFault = error.code === 'digest_mismatch' || error.code === 'size_mismatch';
      throw isTheirFault ? failed(error.message) : error;
    }
  }
}

function digestIn(response: FallbackFile): Digest | undefined {
  const digest = response.header(CHECKSUM_HEADER);
  return digest === undefined ? undefined : parseDigest(digest);
}

function sizeIn(response: FallbackFile): number | undefined {
  const size = response.header(LOGICAL_SIZE_HEADER);
  return size !== undefined && /^\d+$/.test(size) ? Number(size) : undefined;
}
