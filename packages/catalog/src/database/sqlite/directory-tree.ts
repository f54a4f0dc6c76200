import { type BytePath, isWithin, isWithinAny, pathFromBytes, splitPath, toBytes } from '../../byte-path.js';
import { boundsOfPlace } from '../../listing/directory-bounds.js';
import type { SessionTables } from './session-tables.js';

/** A directory that a session has to do with. */
export interface DirectoryNode {
  readonly id: number;
  readonly parent: number;
  /** Digest of its listing as of the last scan; null where there was none. */
  readonly digest: Buffer | null;
  /** Made in this session: nothing was known of it or of anything below it. */
  readonly isFresh: boolean;
}

/** Where a directory that is not in the catalog belongs. */
export interface FreePlace {
  readonly parent: number;
  readonly name: Uint8Array;
}

/** Paths that stay in memory; a crawl goes deep first, so what was seen long ago is rarely needed again. */
const MAX_CACHED = 200_000;

/** Finds directories by path, and makes those that are missing on the way. */
export class DirectoryTree {
  readonly #cache = new Map<BytePath, DirectoryNode>();
  readonly #gone = new Set<BytePath>();
  readonly #nestedRoots: Map<BytePath, number>;
  readonly #anchor: BytePath;

  /** `root` is what the session scans. */
  constructor(
    private readonly tables: Pick<SessionTables, 'directories' | 'bounds' | 'ledger'>,
    root: BytePath,
  ) {
    const roots = tables.directories
      .roots()
      .map(({ id, name }) => ({ id, path: pathFromBytes(toBytes(name)) }));
    // Trees that are not joined yet may nest: the innermost one holds the path.
    roots.sort((a, b) => b.path.length - a.path.length);
    this.#anchor = roots.find(({ path }) => isWithin(root, path))?.path ?? root;
    this.#nestedRoots = new Map(
      roots.filter(({ path }) => path !== root && isWithin(path, root)).map(({ id, path }) => [path, id]),
    );
  }

  /** What the catalog has at a path; undefined when nothing. */
  find(path: BytePath): DirectoryNode | undefined {
    const cached = this.#cache.get(path);
    if (cached) return cached;
    const place = this.#knownPlace(path);
    return place && this.#findAt(path, place);
  }

  /** As {@link find}, or where the directory is to be put; the directories above it are made if need be. */
  locate(path: BytePath): DirectoryNode | FreePlace {
    const cached = this.#cache.get(path);
    if (cached) return cached;
    const { parent, name } = this.#placeOf(path);
    if (parent?.isFresh && this.#nestedRoots.size === 0) return { parent: parent.id, name };
    const place = { parent: parent?.id ?? 0, name };
    return this.#findAt(path, place) ?? this.#adopt(path, place) ?? place;
  }

  /** Remembers a directory that the session has just made. */
  remember(path: BytePath, node: DirectoryNode): void {
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    this.#cache.set(path, node);
  }

  /** Forgets a directory whose row the session deletes. */
  forget(path: BytePath): void {
    this.#cache.delete(path);
  }

  /** Notes that the session has found a directory gone with all below it. */
  noteGone(top: BytePath): void {
    this.#gone.add(top);
  }

  /** Whether the session has found a directory, or one above it, gone. */
  isGone(path: BytePath): boolean {
    return isWithinAny(path, this.#gone);
  }

  #placeOf(path: BytePath): { readonly parent: DirectoryNode | undefined; readonly name: Uint8Array } {
    const split = path === this.#anchor ? undefined : splitPath(path);
    if (!split) return { parent: undefined, name: toBytes(path) };
    return { parent: this.#make(split.parent), name: toBytes(split.name) };
  }

  #knownPlace(path: BytePath): FreePlace | undefined {
    const split = path === this.#anchor ? undefined : splitPath(path);
    if (!split) return { parent: 0, name: toBytes(path) };
    const parent = this.find(split.parent);
    return parent && { parent: parent.id, name: toBytes(split.name) };
  }

  #make(path: BytePath): DirectoryNode {
    const found = this.locate(path);
    if ('id' in found) return found;
    const { directories, bounds, ledger } = this.tables;
    const id = directories.place(found.parent, found.name);
    bounds.set(id, boundsOfPlace(path));
    if (found.parent !== 0) ledger.add(found.parent, { files: 0, directories: 1, bytes: 0, allocated: 0 });
    const node = { id, parent: found.parent, digest: null, isFresh: true };
    this.remember(path, node);
    return node;
  }

  #findAt(path: BytePath, { parent, name }: FreePlace): DirectoryNode | undefined {
    const row = this.tables.directories.find(parent, name);
    if (!row) return undefined;
    const node = { id: row.id, parent, digest: row.digest, isFresh: false };
    this.remember(path, node);
    return node;
  }

  /** A tree that was scanned by itself so far becomes part of the one around it. */
  #adopt(path: BytePath, { parent, name }: FreePlace): DirectoryNode | undefined {
    const id = this.#nestedRoots.get(path);
    if (id === undefined) return undefined;
    this.#nestedRoots.delete(path);
    const { directories, ledger } = this.tables;
    ledger.flush();
    directories.move(id, parent, name);
    ledger.add(parent, directories.totals(id));
    return this.#findAt(path, { parent, name });
  }
}
