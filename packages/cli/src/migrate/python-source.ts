import { type Dirent, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import {
  type Digest,
  type DirectoryName,
  parseDirectoryName,
  toVersion,
  undoLatin1,
  type Version,
} from '@filetracker/protocol';
import { UsageError } from '../output/failure.js';
import { systemReason } from '../output/system-reason.js';
import { likelyLength, PythonBlob } from './python-blob.js';
import {
  type Amount,
  type InspectedFile,
  type MigrationSource,
  type SourceFile,
  type SourceObserver,
  SourceProblem,
} from './source.js';
import { type TreeEntry, type WalkRules, walkTree } from './walk-tree.js';

/**
 * The directory of a link and the directory above its blobs are apart by any number of levels. Python servers file a blob
 * under the digest as the client has spelled it, which may be in capitals.
 */
const LINK_TARGET = /^(?:\.\.\/)+blobs\/[0-9a-f]{2}\/([0-9a-f]{64})$/i;

/** How the names of the links are found. */
const RULES: WalkRules = {
  list: listLinks,
  decodeName: (bytes) => undoLatin1(Buffer.from(bytes, 'latin1')),
  noName: 'its name on the disk is not what a Python server makes of UTF-8',
  isExcluded: () => false,
};

/** So many files are counted before something else has its turn. */
const COUNTED_AT_ONCE = 200;

/** Files come in batches of so many, or fewer with so many bytes of content. */
const BATCH_FILES = 512;
const BATCH_BYTES = 1024 * 1024;

/**
 * The directory of a Python filetracker 2.x server: `links/<name>` are symbolic links to
 * `blobs/<two digits>/<sha256>`, their own modification time is the version; blobs are gzip files. Its Berkeley DB
 * holds nothing that is not in these too.
 */
export class PythonSource implements MigrationSource {
  /** Every blob that a name has led to, by the name of its file. */
  readonly #blobs = new Map<string, PythonBlob>();

  private constructor(
    private readonly root: string,
    readonly directory: DirectoryName,
    private readonly isVerified: boolean,
  ) {}

  /**
   * Throws {@link UsageError} where a directory is not one of a Python server.
   *
   * @param options.verify decode each content when it is looked at, for runs that send none
   */
  static async open(
    root: string,
    prefix: string,
    { verify }: { readonly verify: boolean },
  ): Promise<PythonSource> {
    for (const part of ['links', 'blobs']) {
      const isThere = await stat(join(root, part)).then(
        (found) => found.isDirectory(),
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false;
          throw new UsageError(`cannot read ${join(root, part)}: ${systemReason(error)}`, { cause: error });
        },
      );
      if (!isThere) {
        throw new UsageError(
          `${root} is no directory of a Python filetracker 2.x server: it has no ${part}/`,
        );
      }
    }
    return new PythonSource(root, parseDirectoryName(prefix), verify);
  }

  async *files(observer: SourceObserver): AsyncGenerator<readonly SourceFile[]> {
    let batch: SourceFile[] = [];
    let bytes = 0;
    for (const event of walkTree(join(this.root, 'links'), this.directory, RULES)) {
      if (event.kind === 'left-out') observer.leftOut(event.name, event.reason);
      if (event.kind !== 'file') continue;
      const { name, path } = event;
      const inspected = this.#inspectSmall(path);
      batch.push({ name, ...(inspected && { inspected }), inspect: () => this.#inspect(path) });
      bytes += inspected?.content.bytes?.byteLength ?? 0;
      if (batch.length < BATCH_FILES && bytes < BATCH_BYTES) continue;
      yield batch;
      batch = [];
      bytes = 0;
    }
    yield batch;
  }

  /** Blobs that no name leads to. */
  async *remarks(): AsyncGenerator<string> {
    const blobs = join(this.root, 'blobs');
    try {
      for (const entry of await entriesOf(blobs)) {
        if (entry.isDirectory()) yield* this.#strays(join(blobs, entry.name));
        else yield `${join(blobs, entry.name)} is no blob: not stored`;
      }
    } catch (error) {
      yield unlistable(blobs, error);
    }
  }

  async count(total: Amount, signal: AbortSignal): Promise<void> {
    for (const event of walkTree(join(this.root, 'links'), this.directory, RULES)) {
      total.files++;
      if (event.kind === 'file') total.bytes += this.#likelyLength(event.path);
      if (total.files % COUNTED_AT_ONCE > 0) continue;
      await setImmediate();
      if (signal.aborted) return;
    }
  }

  async remembered(): Promise<undefined> {}

  remember(): void {}

  async close(): Promise<void> {}

  /** Looks at a name whose blob is small and sound, with the calls that wait. */
  #inspectSmall(path: string): InspectedFile | undefined {
    try {
      const { version, digest, file } = readLink(path);
      const isRepeated = this.#blobs.has(file);
      const blob = this.#blobOf(file, digest);
      // Each content is decoded once: for other names of it the target has it.
      const bytes = blob.knownSize === undefined ? blob.readSmall() : undefined;
      const size = blob.knownSize;
      if (size === undefined) return undefined;
      const content = { size, digest, ...(bytes && { bytes }), open: () => blob.open() };
      return { version, digest, content, isRepeated };
    } catch (error) {
      // It is told when it is looked at.
      if (error instanceof SourceProblem) return undefined;
      throw error;
    }
  }

  async #inspect(path: string): Promise<InspectedFile> {
    const { version, digest, file } = readLink(path);
    const isRepeated = this.#blobs.has(file);
    const blob = this.#blobOf(file, digest);
    const size = await (this.isVerified ? blob.verifiedSize() : blob.size());
    const content = { size, digest, open: () => blob.open() };
    return { version, digest, content, isRepeated };
  }

  #likelyLength(path: string): number {
    try {
      return likelyLength(this.#blobPath(readLink(path).file));
    } catch {
      // It is told when it is looked at.
      return 0;
    }
  }

  async *#strays(directory: string): AsyncGenerator<string> {
    try {
      for (const { name } of await entriesOf(directory)) {
        if (!this.#blobs.has(name)) yield `blob ${name} belongs to no name: not stored`;
      }
    } catch (error) {
      yield unlistable(directory, error);
    }
  }

  #blobOf(file: string, digest: Digest): PythonBlob {
    const blob = this.#blobs.get(file) ?? new PythonBlob(this.#blobPath(file), digest);
    this.#blobs.set(file, blob);
    return blob;
  }

  #blobPath(file: string): string {
    return join(this.root, 'blobs', file.slice(0, 2), file);
  }
}

async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Blobs that have names are told of by these. */
function unlistable(directory: string, error: unknown): string {
  return `${directory} cannot be searched for blobs without a name: ${systemReason(error)}`;
}

function listLinks(path: string): readonly TreeEntry[] {
  return readdirSync(path, { withFileTypes: true, encoding: 'latin1' }).map((entry) => ({
    bytes: entry.name,
    isDirectory: entry.isDirectory(),
  }));
}

/** What a link says. */
interface Link {
  readonly version: Version;
  readonly digest: Digest;
  /** Name of the blob's file: the digest, perhaps in capitals. */
  readonly file: string;
}

/** Throws {@link SourceProblem}. */
function readLink(path: string): Link {
  const link = lstatSync(path, { bigint: true });
  if (!link.isSymbolicLink()) throw new SourceProblem('it is no symbolic link to a blob');
  const file = LINK_TARGET.exec(readlinkSync(path))?.[1];
  if (file === undefined) throw new SourceProblem('its symbolic link does not lead to a blob');
  try {
    const version = toVersion(Number(link.mtimeNs / 1_000_000_000n));
    return { version, digest: file.toLowerCase() as Digest, file };
  } catch {
    throw new SourceProblem('its version is not between 1970 and the year 9999');
  }
}
