import type { ByteName } from '../../byte-path.js';
import type { Attributes } from '../../entry.js';
import type { DirectoryListing } from '../../listing/directory-listing.js';
import type { ChildDirectory, DirectoryTable } from './directory-table.js';

/** A subdirectory and where in the listing it stands. */
interface PlacedFolder {
  readonly name: ByteName;
  readonly at: number;
}

/** How the subdirectories of a listing differ from those of the catalog. */
interface FolderChanges {
  readonly added: readonly PlacedFolder[];
  readonly gone: readonly ChildDirectory[];
  /** Names that are there but could not be looked at. */
  readonly undecided: ReadonlySet<ByteName>;
}

/** A directory of the catalog beside its listing. What of it is asked for is read then, and as it was at that time. */
export class ComparedDirectory {
  #own: Attributes | undefined;
  #folders: FolderChanges | undefined;

  constructor(
    private readonly table: DirectoryTable,
    readonly id: number,
    private readonly listing: DirectoryListing,
  ) {}

  /** Its own fields in the catalog. */
  get own(): Attributes {
    this.#own ??= this.table.attributes(this.id);
    return this.#own;
  }

  get folders(): FolderChanges {
    this.#folders ??= this.#compareFolders();
    return this.#folders;
  }

  #compareFolders(): FolderChanges {
    const children = this.table.children(this.id);
    const unknown = new Map<ByteName, PlacedFolder>();
    const undecided = new Set<ByteName>();
    this.listing.visit({
      file: () => {},
      directory: (name, at) => unknown.set(name, { name, at }),
      problem: ({ name, kind }) => {
        if (kind === 'unknown') undecided.add(name);
      },
    });
    const gone = children.filter(({ name }) => !unknown.delete(name) && !undecided.has(name));
    return { added: [...unknown.values()], gone, undecided };
  }
}
