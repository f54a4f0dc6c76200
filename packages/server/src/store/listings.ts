import { type DirectoryName, type FileName, ProtocolError, type Version } from '@filetracker/protocol';
import type { DirectoryEntry, ListChildrenRequest, ListRequest } from '../metadata/listing.js';
import type { FileRecord, KeptVersion, MetadataStore } from '../metadata/metadata-store.js';

/** Which part of a listing is wanted: see {@link ListRequest}. Without a limit everything is. */
export type ListOptions = Pick<ListRequest, 'after' | 'asOf'> & {
  readonly limit?: number | undefined;
  /** Leave out files whose version is newer; they do not count against the limit. */
  readonly until?: Version | undefined;
};

/** The same for the direct children of a directory. */
export type ListChildrenOptions = Pick<ListChildrenRequest, 'after' | 'asOf'> &
  Pick<ListOptions, 'limit' | 'until'>;

/** One line of a file's history. */
export type HistoryEntry =
  | (FileRecord & { readonly deleted: false })
  /** What follows was deleted by a deletion of this version. */
  | { readonly deleted: true; readonly name: FileName; readonly version: Version };

/** Entries read at a time; no snapshot is held between two pages. */
const PAGE = 1000;

/** Listings, page by page. */
export class Listings {
  constructor(private readonly metadata: MetadataStore) {}

  /** See `FileStore.list`. */
  async list(
    directory: DirectoryName,
    { after, limit, asOf, until }: ListOptions,
  ): Promise<AsyncIterable<readonly FileRecord[]>> {
    const read = (position: FileRecord | undefined, most: number) =>
      this.metadata.list({ directory, after: position?.name ?? after, limit: most, asOf });
    const isWanted = (file: FileRecord) => until === undefined || file.version <= until;
    return this.#pages(directory, asOf, { read, limit, isWanted });
  }

  /** See `FileStore.listChildren`. */
  async listChildren(
    directory: DirectoryName,
    { after, limit, asOf, until }: ListChildrenOptions,
  ): Promise<AsyncIterable<readonly DirectoryEntry[]>> {
    const read = (position: DirectoryEntry | undefined, most: number) =>
      this.metadata.listChildren({ directory, after: position ?? after, limit: most, asOf });
    const isWanted = (entry: DirectoryEntry) =>
      until === undefined || entry.kind === 'directory' || entry.version <= until;
    return this.#pages(directory, asOf, { read, limit, isWanted });
  }

  /** See `FileStore.versions`. */
  async versions(name: FileName): Promise<AsyncIterable<readonly HistoryEntry[]>> {
    const read = (position: KeptVersion | undefined, most: number) =>
      this.metadata.versions({ name, before: position?.version, limit: most });
    const first = await read(undefined, PAGE);
    if (first.length === 0) {
      throw new ProtocolError('not_found', `there is no file "/${name}", and no version of it is kept`);
    }
    return entriesOf(pagesFrom(first, { read }));
  }

  /** Throws `not_a_directory` when there is no such directory at that moment. */
  async #pages<T>(
    directory: DirectoryName,
    asOf: Version | undefined,
    part: Part<T>,
  ): Promise<AsyncIterable<readonly T[]>> {
    const first = await part.read(undefined, firstPage(part));
    if (first.length === 0 && directory !== '' && !(await this.#exists(directory, asOf))) {
      throw new ProtocolError('not_a_directory', 'the path does not exist or is not a directory');
    }
    return pagesFrom(first, part);
  }

  async #exists(directory: DirectoryName, asOf: Version | undefined): Promise<boolean> {
    return (await this.metadata.list({ directory, limit: 1, asOf })).length > 0;
  }
}

/** What is read of a listing. */
interface Part<T> {
  /** Reads up to `most` entries behind one, from the beginning without one. Fewer mean that there are no more. */
  readonly read: (position: T | undefined, most: number) => Promise<readonly T[]>;
  /** How many wanted entries there may be. */
  readonly limit?: number | undefined;
  readonly isWanted?: (entry: T) => boolean;
}

function firstPage<T>({ limit = PAGE }: Part<T>): number {
  return Math.min(PAGE, limit);
}

async function* pagesFrom<T>(first: readonly T[], part: Part<T>): AsyncGenerator<readonly T[]> {
  const { read, limit = Number.POSITIVE_INFINITY, isWanted = () => true } = part;
  let left = limit;
  let asked = firstPage(part);
  for (let page = first; page.length > 0; ) {
    const wanted = page.filter(isWanted).slice(0, left);
    if (wanted.length > 0) yield wanted;
    left -= wanted.length;
    if (page.length < asked || left <= 0) return;
    // Where many are not wanted, asking for the few that are left would take many reads.
    asked = wanted.length < page.length ? PAGE : Math.min(PAGE, left);
    page = await read(page.at(-1), asked);
  }
}

async function* entriesOf(
  pages: AsyncIterable<readonly KeptVersion[]>,
): AsyncGenerator<readonly HistoryEntry[]> {
  for await (const page of pages) {
    yield page.flatMap(({ deletion, ...file }) => {
      const { name, version, digest, size } = file;
      const entry = { deleted: false as const, name, version, digest, size };
      return deletion === undefined ? [entry] : [{ deleted: true as const, name, version: deletion }, entry];
    });
  }
}
