import { constants } from 'node:os';
import { type BytePath, splitPath } from '../byte-path.js';
import { isDirectory } from '../entry.js';
import type { ListingWriter, NameBytes } from '../listing/listing-writer.js';
import { StatFields } from '../listing/stat-fields.js';
import { type DirectoryReader, type ListedType, SystemCallError } from './directory-reader.js';
import { type Exclusion, isExcluded } from './exclude.js';
import { isPseudoFileSystem } from './mounts.js';
import type { PendingDirectories, PendingDirectory } from './pending-directories.js';

/** What a crawl enters and leaves out. Plain data: it travels to worker threads. */
export interface CrawlScope {
  readonly root: BytePath;
  readonly exclusions: readonly Exclusion[];
  /** Enter no other file system than the root's. */
  readonly oneFileSystem: boolean;
  /** Enter also file systems that show kernel state, such as /proc. */
  readonly followMounts: boolean;
  /** Steps below the root that are entered; 0 reads the root alone. */
  readonly maxDepth: number;
}

const { ENODEV, ENOENT, ENOTDIR, ELOOP } = constants.errno;

/** Reads single directories and packs their listings, by the rules of a scope. */
export class DirectoryPacker {
  readonly #own = new StatFields();
  readonly #stat = new StatFields();
  #found = 0;
  #directory: BytePath = '/' as BytePath;

  /**
   * Subdirectories that are found go to `pending`.
   *
   * @param mounts mount points, to which those that are entered are added; nothing is read of one that is empty and no
   *   mount point any more: as a file system that is missing has left it. Without them all that is empty is believed
   */
  constructor(
    private readonly scope: CrawlScope,
    private readonly pending: PendingDirectories,
    private readonly reader: DirectoryReader,
    private readonly writer: ListingWriter,
    private readonly mounts?: Set<BytePath>,
  ) {}

  /** Packs one directory, also where it cannot be read; returns how many subdirectories it found. */
  read(directory: PendingDirectory): number {
    if (!this.#tryRead(directory, { isAgain: false })) this.#tryRead(directory, { isAgain: true });
    return this.#found;
  }

  /** False: the directory has to be read again, see {@link ListingWriter.end}. */
  #tryRead(directory: PendingDirectory, attempt: { readonly isAgain: boolean }): boolean {
    this.#found = 0;
    try {
      this.reader.open(directory.path, this.#own);
    } catch (error) {
      this.#cannotOpen(directory.path, error);
      return true;
    }
    try {
      if (this.#isUnmounted(directory)) {
        // What stands in the mount's place says nothing about it.
        this.#own.setUnknownDirectory();
        this.writer.begin(directory.path, this.#own);
        this.writer.endWithout('unreadable', ENODEV);
        return true;
      }
      this.writer.begin(directory.path, this.#own, attempt);
      if (this.#mayEnter(directory)) return this.#list(directory);
      this.writer.endWithout('notEntered');
    } catch (error) {
      this.pending.discard();
      this.#found = 0;
      this.writer.endWithout('unreadable', errnoOf(error));
    } finally {
      this.reader.close();
    }
    return true;
  }

  #cannotOpen(path: BytePath, error: unknown): void {
    let errno = errnoOf(error);
    // A symbolic link in the directory's place, refused by O_NOFOLLOW: it is no directory any more.
    if (errno === ELOOP) errno = ENOTDIR;
    try {
      this.reader.look(path, this.#own);
    } catch (lookError) {
      errno = errnoOf(lookError);
      this.#own.setUnknownDirectory();
    }
    this.writer.begin(path, this.#own);
    this.writer.endWithout('unreadable', errno);
  }

  #mayEnter({ path, depth, parentDevice }: PendingDirectory): boolean {
    if (depth > this.scope.maxDepth) return false;
    if (depth === 0 || this.#own.device === parentDevice) return true;
    if (this.scope.oneFileSystem) return false;
    if (!this.scope.followMounts && isPseudoFileSystem(this.reader.fileSystemType())) return false;
    if (this.#isItsOwnAncestor(path)) throw new SystemCallError('crawl', ELOOP);
    this.mounts?.add(path);
    return true;
  }

  /** Leaves the directory open, at its beginning. */
  #isUnmounted({ path, parentDevice }: PendingDirectory): boolean {
    if (!this.mounts?.has(path) || this.#own.device !== parentDevice) return false;
    let isEmpty = true;
    this.reader.list(() => {
      isEmpty = false;
    });
    if (!isEmpty) this.reader.open(path, this.#own);
    return isEmpty;
  }

  /** A mount can show a directory above it again; within one file system Linux allows no loops. */
  #isItsOwnAncestor(path: BytePath): boolean {
    const { root } = this.scope;
    for (let at: BytePath | undefined = path; at !== undefined && at !== root; ) {
      at = splitPath(at)?.parent;
      if (at === undefined) return false;
      this.reader.look(at, this.#stat);
      const { device, inode } = this.#stat;
      if (device === this.#own.device && inode === this.#own.inode) return true;
    }
    return false;
  }

  #list(directory: PendingDirectory): boolean {
    this.#directory = directory.path;
    this.pending.collect(directory.path, directory.depth, this.#own.device);
    this.reader.list(this.#addEntry);
    if (!this.writer.end()) {
      this.pending.discard();
      return false;
    }
    this.pending.commit();
    return true;
  }

  readonly #addEntry = (name: NameBytes, type: ListedType): void => {
    if (this.scope.exclusions.length > 0 && this.#isExcluded(name, type)) return;
    if (type === 'directory') {
      this.#addDirectory(name);
      return;
    }
    try {
      this.reader.lookAt(name, this.#stat);
    } catch (error) {
      const errno = errnoOf(error);
      this.writer.addProblem(name, errno === ENOENT ? 'vanished' : 'unknown', errno);
      return;
    }
    // Some file systems tell no types in listings, and a directory can take a file's place meanwhile.
    if (isDirectory(this.#stat.mode)) this.#addDirectory(name);
    else this.writer.addFile(name, this.#stat);
  };

  #addDirectory(name: NameBytes): void {
    this.writer.addDirectory(name);
    this.pending.add(name.source, name.offset, name.length);
    this.#found++;
  }

  #isExcluded({ source, offset, length }: NameBytes, type: ListedType): boolean {
    const name = Buffer.from(source.buffer, source.byteOffset + offset, length).toString('latin1');
    const { root, exclusions } = this.scope;
    return isExcluded(exclusions, {
      root,
      directory: this.#directory,
      name,
      isDirectory: type === 'directory',
    });
  }
}

function errnoOf(error: unknown): number {
  if (error instanceof SystemCallError) return error.errno;
  throw error;
}
