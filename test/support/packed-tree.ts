import { type BytePath, childPath, nameFromBytes, parseBytePath, splitPath } from '@filetracker/catalog';
import type { KnownDigests } from '#catalog/listing/known-digests.js';
import { ListingWriter } from '#catalog/listing/listing-writer.js';
import { StatFields } from '#catalog/listing/stat-fields.js';

/** What a test says of a file; the rest gets values that never change by themselves. */
interface FileSpec {
  readonly size?: number;
  readonly device?: number;
  readonly inode?: number;
  readonly links?: number;
  readonly mtime?: number;
  readonly ctime?: number;
  readonly mode?: number;
  readonly born?: number;
  readonly allocated?: number;
}

type Node =
  | { readonly kind: 'file'; readonly spec: FileSpec }
  | { readonly kind: 'directory'; readonly spec: FileSpec };

/** Why a directory has no listing, or why an entry has no attributes. */
interface Problem {
  readonly errno: number;
  readonly kind: 'unreadable' | 'notEntered' | 'unknown' | 'vanished';
  /** For a directory: it shows only after its entries have been read. */
  readonly isLate?: boolean;
  /** For a directory: not even its attributes can be learned. */
  readonly isHidden?: boolean;
}

const DIRECTORY_MODE = 0o040755;
const FILE_MODE = 0o100644;
const SECOND = 1_000_000_000n;
const BLOCK = 4096;

/** A tree in memory that packs listings just as a crawl of a disk with these files would. */
export class PackedTree {
  readonly root: BytePath;
  readonly #nodes = new Map<BytePath, Node>();
  readonly #problems = new Map<BytePath, Problem>();
  #inode = 1000;

  constructor(root: string) {
    this.root = parseBytePath(root);
    this.directory('');
  }

  /** Adds or changes a file; its path is relative to the root, directories above it appear by themselves. */
  file(path: string, spec: FileSpec = {}): this {
    return this.#set(path, 'file', spec);
  }

  /** Adds or changes a directory. */
  directory(path: string, spec: FileSpec = {}): this {
    return this.#set(path, 'directory', spec);
  }

  /** Takes a file or directory away with all below it. */
  remove(path: string): this {
    const gone = this.#path(path);
    for (const known of this.#nodes.keys()) {
      if (known === gone || known.startsWith(`${gone}/`)) this.#nodes.delete(known);
    }
    return this;
  }

  /** Moves a file or directory with all below it: inodes stay. */
  move(from: string, to: string): this {
    const [source, target] = [this.#path(from), this.#path(to)];
    for (const [known, node] of Array.from(this.#nodes)) {
      if (known !== source && !known.startsWith(`${source}/`)) continue;
      this.#nodes.delete(known);
      this.#nodes.set((target + known.slice(source.length)) as BytePath, node);
    }
    return this;
  }

  /** Makes a look at a path fail from now on; `undefined` repairs it. */
  problem(path: string, problem: Problem | undefined): this {
    if (problem) this.#problems.set(this.#path(path), problem);
    else this.#problems.delete(this.#path(path));
    return this;
  }

  /** Packs the listings of all directories that can be reached from the root, or of one subtree; of known ones sums. */
  pack(below = '', known?: KnownDigests): Uint8Array[] {
    const buffers: Uint8Array[] = [];
    const writer = new ListingWriter((buffer) => buffers.push(buffer), { known });
    const stack = [this.#path(below)];
    for (let path = stack.pop(); path !== undefined; path = stack.pop())
      stack.push(...this.#packOne(writer, path));
    writer.flush();
    return buffers;
  }

  /** Packs the listings of single directories. */
  list(...paths: readonly string[]): Uint8Array[] {
    const buffers: Uint8Array[] = [];
    const writer = new ListingWriter((buffer) => buffers.push(buffer));
    for (const path of paths) this.#packOne(writer, this.#path(path));
    writer.flush();
    return buffers;
  }

  #packOne(writer: ListingWriter, path: BytePath, isAgain = false): BytePath[] {
    const problem = this.#problems.get(path);
    const own = this.#stat(path);
    if (problem?.isHidden) own.setUnknownDirectory();
    writer.begin(path, own, { isAgain });
    const isClosed = problem?.kind === 'unreadable' || problem?.kind === 'notEntered';
    if (isClosed && !problem.isLate) {
      writer.endWithout(problem.kind, problem.errno);
      return [];
    }
    const folders: BytePath[] = [];
    for (const [child, node] of this.#nodes) {
      const split = splitPath(child);
      if (child === this.root || split?.parent !== path) continue;
      const source = Buffer.from(split.name, 'latin1');
      const name = { source, offset: 0, length: source.length };
      const trouble = this.#problems.get(child);
      if (trouble?.kind === 'unknown' || trouble?.kind === 'vanished') {
        writer.addProblem(name, trouble.kind, trouble.errno);
      } else if (node.kind === 'directory') {
        writer.addDirectory(name);
        folders.push(child);
      } else {
        writer.addFile(name, this.#stat(child));
      }
    }
    if (isClosed) {
      writer.endWithout(problem.kind, problem.errno);
      return [];
    }
    return writer.end() ? folders : this.#packOne(writer, path, true);
  }

  #set(path: string, kind: Node['kind'], spec: FileSpec): this {
    const full = this.#path(path);
    const before = this.#nodes.get(full);
    const inode = before?.kind === kind ? before.spec.inode : undefined;
    this.#nodes.set(full, { kind, spec: { ...before?.spec, inode: inode ?? this.#inode++, ...spec } });
    for (
      let at = splitPath(full)?.parent;
      at !== undefined && at.length > this.root.length;
      at = splitPath(at)?.parent
    ) {
      if (!this.#nodes.has(at)) this.#nodes.set(at, { kind: 'directory', spec: { inode: this.#inode++ } });
    }
    return this;
  }

  #path(path: string): BytePath {
    if (path === '') return this.root;
    return childPath(this.root, nameFromBytes(Buffer.from(path, 'utf8')));
  }

  #stat(path: BytePath): StatFields {
    const { kind, spec } = this.#nodes.get(path) ?? { kind: 'directory', spec: {} };
    const stat = new StatFields();
    const size = spec.size ?? (kind === 'directory' ? BLOCK : 0);
    stat.set({
      mode: spec.mode ?? (kind === 'directory' ? DIRECTORY_MODE : FILE_MODE),
      uid: 0,
      gid: 0,
      links: spec.links ?? (kind === 'directory' ? 2 : 1),
      device: spec.device ?? 2049,
      inode: BigInt(spec.inode ?? 1),
      size,
      allocated: spec.allocated ?? Math.ceil(size / BLOCK) * BLOCK,
      mtimeNs: SECOND * BigInt(spec.mtime ?? 1_700_000_000),
      ctimeNs: SECOND * BigInt(spec.ctime ?? 1_700_000_000),
      bornNs: SECOND * BigInt(spec.born ?? 1_600_000_000),
    });
    return stat;
  }
}
