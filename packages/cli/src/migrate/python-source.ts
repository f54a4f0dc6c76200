import type { Dirent } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Digest,
  type DirectoryName,
  type FileName,
  ProtocolError,
  parseDirectoryName,
  parseFileName,
  toVersion,
} from '@filetracker/protocol';
import { UsageError } from '../output/failure.js';
import { entriesInOrder } from './name-order.js';
import { PythonBlob } from './python-blob.js';
import { undoLatin1 } from './python-names.js';
import {
  type Amount,
  type InspectedFile,
  type MigrationSource,
  type SourceFile,
  type SourceObserver,
  SourceProblem,
} from './source.js';

/** The directory of a link and the directory above its blobs are apart by any number of levels. */
const LINK_TARGET = /^(?:\.\.\/)+blobs\/[0-9a-f]{2}\/([0-9a-f]{64})$/;

/**
 * The directory of a Python filetracker 2.x server: `links/<name>` are symbolic links to
 * `blobs/<two digits>/<sha256>`, their own modification time is the version; blobs are gzip files. Its Berkeley DB
 * holds nothing that is not in these too.
 */
export class PythonSource implements MigrationSource {
  /** Every blob that a name has led to. */
  readonly #blobs = new Map<Digest, PythonBlob>();

  private constructor(
    private readonly root: string,
    readonly directory: DirectoryName,
  ) {}

  /** Throws {@link UsageError} where a directory is not one of a Python server. */
  static async open(root: string, prefix: string): Promise<PythonSource> {
    for (const part of ['links', 'blobs']) {
      const found = await stat(join(root, part)).catch(() => undefined);
      if (!found?.isDirectory()) {
        throw new UsageError(
          `${root} is no directory of a Python filetracker 2.x server: it has no ${part}/`,
        );
      }
    }
    return new PythonSource(root, parseDirectoryName(prefix));
  }

  files(observer: SourceObserver): AsyncGenerator<SourceFile> {
    return this.#below(Buffer.from(join(this.root, 'links')), this.directory, observer);
  }

  /** Blobs that no name leads to. */
  async *remarks(): AsyncGenerator<string> {
    const blobs = join(this.root, 'blobs');
    for (const directory of (await readdir(blobs)).sort()) {
      for (const name of (await readdir(join(blobs, directory))).sort()) {
        if (!this.#blobs.has(name as Digest)) yield `blob ${name} belongs to no name: not stored`;
      }
    }
  }

  async count(total: Amount, signal: AbortSignal): Promise<void> {
    const count = async (directory: string) => {
      for (const entry of await readdir(directory, { withFileTypes: true })) {
        if (signal.aborted) return;
        if (entry.isDirectory()) await count(join(directory, entry.name));
        else total.files++;
      }
    };
    await count(join(this.root, 'links'));
  }

  async close(): Promise<void> {}

  async *#below(
    path: Buffer,
    directory: DirectoryName,
    observer: SourceObserver,
  ): AsyncGenerator<SourceFile> {
    let entries: Dirent<Buffer>[];
    try {
      entries = await readdir(path, { withFileTypes: true, encoding: 'buffer' });
    } catch (error) {
      observer.leftOut(directory, `it cannot be read (${(error as Error).message})`);
      return;
    }
    for (const entry of entriesInOrder(entries)) {
      const name = this.#nameOf(entry, directory, observer);
      if (name === undefined) continue;
      const inside = Buffer.concat([path, Buffer.from('/'), entry.name]);
      if (entry.isDirectory()) yield* this.#below(inside, name, observer);
      else yield { name, inspect: () => this.#inspect(inside) };
    }
  }

  #nameOf(entry: Dirent<Buffer>, directory: DirectoryName, observer: SourceObserver): FileName | undefined {
    const component = undoLatin1(entry.name);
    const inDirectory = (name: string) => (directory === '' ? name : `${directory}/${name}`);
    if (component === undefined) {
      observer.leftOut(
        inDirectory(entry.name.toString()),
        'its name on the disk is not what a Python server makes of UTF-8',
      );
      return undefined;
    }
    try {
      return parseFileName(inDirectory(component));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      observer.leftOut(inDirectory(component), error.message);
      return undefined;
    }
  }

  async #inspect(path: Buffer): Promise<InspectedFile> {
    const link = await lstat(path, { bigint: true });
    if (!link.isSymbolicLink()) throw new SourceProblem('it is no symbolic link to a blob');
    const digest = LINK_TARGET.exec(await readlink(path))?.[1] as Digest | undefined;
    if (digest === undefined) throw new SourceProblem('its symbolic link does not lead to a blob');
    const isRepeated = this.#blobs.has(digest);
    const blob = this.#blobs.get(digest) ?? new PythonBlob(this.#blobPath(digest), digest);
    this.#blobs.set(digest, blob);
    const content = { size: await blob.size(), digest, open: () => blob.open() };
    return { version: versionOf(link.mtimeNs), digest, content, isRepeated };
  }

  #blobPath(digest: Digest): string {
    return join(this.root, 'blobs', digest.slice(0, 2), digest);
  }
}

function versionOf(mtimeNs: bigint) {
  try {
    return toVersion(Number(mtimeNs / 1_000_000_000n));
  } catch {
    throw new SourceProblem('its version is not between 1970 and the year 9999');
  }
}
