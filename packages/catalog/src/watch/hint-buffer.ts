import { type ByteName, type BytePath, childPath, isWithin } from '../byte-path.js';
import type { SourceHint, SourceOptions } from './event-source.js';

/** Places that are kept apart; beyond, the whole root counts as possibly changed. */
const MAX_PLACES = 100_000;

/** Collects what events tell, each place once, until it is sent on. */
export class HintBuffer {
  readonly #root: BytePath;
  readonly #ignore: ReadonlySet<BytePath>;
  readonly #entries = new Set<BytePath>();
  readonly #trees = new Set<BytePath>();
  #others: SourceHint[] = [];
  readonly #moves = new Set<string>();

  constructor({ scope, ignore }: SourceOptions) {
    this.#root = scope.root;
    this.#ignore = new Set(ignore);
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0 && this.#trees.size === 0 && this.#others.length === 0;
  }

  /** Something happened to a name in a directory; an empty name stands for the directory itself. */
  changed(directory: BytePath, name: ByteName | ''): void {
    if (name !== '' && this.#ignore.has(childPath(directory, name))) return;
    this.#entries.add(directory);
    this.#bound();
  }

  /** A directory appeared. */
  appeared(path: BytePath): void {
    if (!isWithin(path, this.#root)) return;
    this.#trees.add(path);
    this.#bound();
  }

  /** Something moved from one watched directory to another. */
  moved(from: BytePath, to: BytePath): void {
    const key = `${from}\0${to}`;
    if (from === to || this.#moves.has(key)) return;
    this.#moves.add(key);
    this.#others.push({ kind: 'moved', from, to });
    this.#bound();
  }

  /** A directory was moved, removed, mounted or unmounted: it may hold the root. */
  displaced(path: BytePath): void {
    if (isWithin(this.#root, path)) this.add({ kind: 'root' });
  }

  add(hint: SourceHint): void {
    this.#others.push(hint);
  }

  /** Takes everything out. */
  take(): SourceHint[] {
    const hints: SourceHint[] = this.#others;
    for (const path of this.#entries) hints.push({ kind: 'entries', path });
    for (const path of this.#trees) hints.push({ kind: 'tree', path });
    this.#clear();
    return hints;
  }

  #bound(): void {
    if (this.#entries.size + this.#trees.size + this.#moves.size <= MAX_PLACES) return;
    const kept = this.#others.filter(({ kind }) => kind !== 'moved' && kind !== 'lost');
    this.#clear();
    const reason = `more than ${MAX_PLACES} directories changed at once`;
    this.#others = [...kept, { kind: 'lost', path: this.#root, reason }];
  }

  #clear(): void {
    this.#entries.clear();
    this.#trees.clear();
    this.#moves.clear();
    this.#others = [];
  }
}
