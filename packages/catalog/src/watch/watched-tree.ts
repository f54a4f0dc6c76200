import { type ByteName, type BytePath, childPath } from '../byte-path.js';

/** A directory with a watch. */
export interface WatchedDirectory {
  readonly watch: number;
  name: ByteName | '';
  /** Undefined for the root, and for one that was moved away. */
  parent: WatchedDirectory | undefined;
  readonly children: Map<ByteName, WatchedDirectory>;
}

/** Which directory each watch is for: a tree of names, so that a rename moves one node and no path. */
export class WatchedTree {
  readonly #byWatch = new Map<number, WatchedDirectory>();
  #top: WatchedDirectory | undefined;

  constructor(private readonly root: BytePath) {}

  get size(): number {
    return this.#byWatch.size;
  }

  find(watch: number): WatchedDirectory | undefined {
    return this.#byWatch.get(watch);
  }

  /** Where a directory is; undefined when it was moved out of the root. */
  pathOf(directory: WatchedDirectory): BytePath | undefined {
    const names: (ByteName | '')[] = [];
    for (let at: WatchedDirectory | undefined = directory; at !== this.#top; at = at.parent) {
      if (!at) return undefined;
      names.push(at.name);
    }
    return names.reduceRight<BytePath>(
      (path, name) => (name === '' ? path : childPath(path, name)),
      this.root,
    );
  }

  /** Notes a watch; where it is known already (the same directory under another name), it moves here. */
  put(
    watch: number,
    place: { readonly parent: WatchedDirectory; readonly name: ByteName } | undefined,
  ): WatchedDirectory {
    const node = this.#byWatch.get(watch) ?? { watch, name: '', parent: undefined, children: new Map() };
    this.#byWatch.set(watch, node);
    if (place) this.attach(node, place.parent, place.name);
    else this.#top = node;
    return node;
  }

  /** Hangs a directory under another one. */
  attach(node: WatchedDirectory, parent: WatchedDirectory, name: ByteName): void {
    if (node === this.#top) return;
    this.detach(node);
    const before = parent.children.get(name);
    if (before && before !== node) this.detach(before);
    node.parent = parent;
    node.name = name;
    parent.children.set(name, node);
  }

  /** Takes a directory out of its place; it stays known. */
  detach(node: WatchedDirectory): void {
    const { parent, name } = node;
    if (parent && name !== '' && parent.children.get(name) === node) parent.children.delete(name);
    node.parent = undefined;
  }

  /** Forgets a directory with all below it; returns the watches. */
  remove(node: WatchedDirectory): number[] {
    this.detach(node);
    const watches: number[] = [];
    const stack = [node];
    for (let next = stack.pop(); next; next = stack.pop()) {
      watches.push(next.watch);
      this.#byWatch.delete(next.watch);
      stack.push(...next.children.values());
    }
    return watches;
  }

  /** All directories. */
  all(): Iterable<WatchedDirectory> {
    return this.#byWatch.values();
  }
}
