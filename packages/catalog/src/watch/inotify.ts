import { readFileSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { type ByteName, type BytePath, childPath, nameFromBytes, toBytes } from '../byte-path.js';
import { type DirectoryReader, SystemCallError } from '../crawl/directory-reader.js';
import { isExcluded } from '../crawl/exclude.js';
import { isPseudoFileSystem } from '../crawl/mounts.js';
import { displayPath } from '../display-path.js';
import { isDirectory } from '../entry.js';
import type { EventCalls } from '../linux/event-calls.js';
import type { Libc } from '../linux/libc.js';
import { StatFields } from '../listing/stat-fields.js';
import { BackendUnavailableError, type SourceOptions } from './event-source.js';
import type { HintBuffer } from './hint-buffer.js';
import { IN, type InotifyEvent, parseInotifyEvents } from './inotify-event.js';
import { mountsAround } from './mount-table.js';
import type { NotifyReader } from './notify-reader.js';
import { type WatchedDirectory, WatchedTree } from './watched-tree.js';

const NONBLOCK_CLOEXEC = 0x800 | 0x80000;

const MASK =
  IN.modify |
  IN.attrib |
  IN.closeWrite |
  IN.movedFrom |
  IN.movedTo |
  IN.create |
  IN.delete |
  IN.onlyDirectory |
  IN.dontFollow;

/** The root's own end is of interest, too. */
const ROOT_MASK = MASK | IN.deleteSelf | IN.moveSelf;

const MOUNTS_CHANGED = 'something was mounted or unmounted';

const READ_BYTES = 256 * 1024;
const LIMIT = '/proc/sys/fs/inotify/max_user_watches';

/** A directory that is to be watched. */
interface Candidate {
  readonly path: BytePath;
  readonly place: { readonly parent: WatchedDirectory; readonly name: ByteName } | undefined;
  readonly parentDevice: number;
}

/**
 * Learns of changes from inotify(7): a watch on every directory. A directory is watched first and listed then, so
 * that what is made in it meanwhile is either listed or announced.
 */
export class InotifyReader implements NotifyReader {
  readonly descriptor: number;
  readonly #tree: WatchedTree;
  readonly #buffer = Buffer.alloc(READ_BYTES);
  readonly #address: number;
  readonly #stat = new StatFields();
  /** Directories that were moved out of their place by a rename whose other half has not come, by its cookie. */
  readonly #leaving = new Map<number, WatchedDirectory>();
  /** Where the first halves of renames were, by cookie. */
  readonly #origins = new Map<number, BytePath>();
  #isFull = false;
  /** What is mounted below the root, in words that change when it does, and where. */
  #mounts = { text: '', paths: new Set<BytePath>() };
  /** The root or mount points below of which an event said that they were unmounted. */
  readonly #unmounted = new Set<BytePath>();

  /** Throws {@link BackendUnavailableError}. */
  constructor(
    private readonly options: SourceOptions,
    private readonly system: {
      readonly libc: Libc;
      readonly calls: EventCalls;
      readonly reader: DirectoryReader;
    },
  ) {
    this.#tree = new WatchedTree(options.scope.root);
    this.#address = system.libc.addressOf(this.#buffer);
    this.descriptor = system.calls.inotifyInit1(NONBLOCK_CLOEXEC);
    if (this.descriptor < 0) throw this.#refused('inotify_init1');
  }

  start(hints: HintBuffer): void {
    this.#mounts = this.#mountsBelow();
    this.#watchTree({ path: this.options.scope.root, place: undefined, parentDevice: 0 }, hints);
    if (this.#tree.size === 0) throw this.#limitReached();
  }

  drain(hints: HintBuffer): void {
    let isOverflow = false;
    for (;;) {
      const length = this.system.calls.read(this.descriptor, this.#address, READ_BYTES);
      if (length <= 0) break;
      // The buffer is used again while directories that appeared are being watched.
      const bytes = Buffer.from(this.#buffer.subarray(0, length));
      for (const event of parseInotifyEvents(bytes)) {
        if (event.mask & IN.overflow) isOverflow = true;
        else this.#take(event, hints);
      }
    }
    // Both halves of a rename stand in the queue together: a half without the other left the root, unless what left
    // came back by another rename.
    for (const node of this.#leaving.values()) if (this.#tree.pathOf(node) === undefined) this.#drop(node);
    this.#leaving.clear();
    this.#origins.clear();
    if (isOverflow) this.#recover(hints, 'the queue of inotify overflowed');
    if (this.#unmounted.size > 0) this.#takeUnmounted(hints);
  }

  mountsChanged(hints: HintBuffer): void {
    hints.add({ kind: 'root' });
    // The table is the whole machine's: on one with containers it changes all the time.
    const before = this.#mounts;
    this.#mounts = this.#mountsBelow();
    if (this.#mounts.text !== before.text) this.#recover(hints, MOUNTS_CHANGED);
  }

  close(): void {
    this.system.libc.close(this.descriptor);
  }

  #take({ watch, mask, cookie, name }: InotifyEvent, hints: HintBuffer): void {
    const node = this.#tree.find(watch);
    if (!node) return;
    if (mask & IN.ignored) {
      this.#tree.remove(node);
      return;
    }
    if (mask & (IN.deleteSelf | IN.moveSelf | IN.unmount)) hints.add({ kind: 'root' });
    const path = this.#tree.pathOf(node);
    if (path === undefined) return;
    if (mask & IN.unmount && (path === this.options.scope.root || this.#mounts.paths.has(path)))
      this.#unmounted.add(path);
    hints.changed(path, name);
    if (mask & IN.movedFrom) this.#origins.set(cookie, path);
    const origin = mask & IN.movedTo ? this.#origins.get(cookie) : undefined;
    if (origin !== undefined) hints.moved(origin, path);
    if (name === '' || !(mask & IN.isDirectory)) return;
    const child = node.children.get(name);
    if (mask & IN.movedFrom && child) {
      this.#tree.detach(child);
      this.#leaving.set(cookie, child);
    } else if (mask & IN.movedTo) {
      const arriving = this.#leaving.get(cookie);
      this.#leaving.delete(cookie);
      if (arriving) this.#tree.attach(arriving, node, name);
      this.#appear(childPath(path, name), { parent: node, name }, hints);
      if (origin !== undefined) hints.moved(origin, childPath(path, name));
    } else if (mask & IN.create || (mask & IN.attrib && !child)) {
      this.#appear(childPath(path, name), { parent: node, name }, hints);
    } else if (mask & IN.delete && child) {
      this.#drop(child);
    }
  }

  #appear(path: BytePath, place: NonNullable<Candidate['place']>, hints: HintBuffer): void {
    this.#watchTree({ path, place, parentDevice: this.#deviceOf(place.parent) }, hints);
    hints.appeared(path);
  }

  #deviceOf(directory: WatchedDirectory): number {
    try {
      this.system.reader.look(this.#tree.pathOf(directory) ?? this.options.scope.root, this.#stat);
      return this.#stat.device;
    } catch {
      return 0;
    }
  }

  /** Watches a directory and all below it. */
  #watchTree(top: Candidate, hints: HintBuffer): void {
    const stack = [top];
    for (let next = stack.pop(); next; next = stack.pop()) stack.push(...this.#watchOne(next, hints));
  }

  /** Watches one directory; returns those directly in it. */
  #watchOne({ path, place, parentDevice }: Candidate, hints: HintBuffer): Candidate[] {
    const { calls, libc, reader } = this.system;
    const name = Buffer.concat([toBytes(path), Buffer.from([0])]);
    const mask = place ? MASK : ROOT_MASK;
    const watch = this.#isFull ? -1 : calls.inotifyAddWatch(this.descriptor, libc.addressOf(name), mask);
    if (watch < 0) {
      this.#cannotWatch(path, hints);
      return [];
    }
    const node = this.#tree.put(watch, place);
    try {
      reader.open(path, this.#stat);
      const { device } = this.#stat;
      if (place && device !== parentDevice && !this.#mayEnter()) {
        this.#drop(node);
        return [];
      }
      return this.#subdirectories(path).map((child) => ({
        path: childPath(path, child),
        place: { parent: node, name: child },
        parentDevice: device,
      }));
    } catch (error) {
      // Gone again, or unreadable: whoever lists it finds out.
      if (error instanceof SystemCallError) return [];
      throw error;
    } finally {
      reader.close();
    }
  }

  #mountsBelow() {
    const { below } = mountsAround(this.options.scope.root);
    return {
      text: below.map(({ id, path }) => `${id} ${path}`).join('\n'),
      paths: new Set(below.map(({ path }) => path)),
    };
  }

  /** Watches go with their file system, of which the table of mounts says nothing where it is mounted again at once. */
  #takeUnmounted(hints: HintBuffer): void {
    this.#mounts = this.#mountsBelow();
    const isBack = [...this.#unmounted].some(
      (path) => path === this.options.scope.root || this.#mounts.paths.has(path),
    );
    this.#unmounted.clear();
    if (isBack) this.#recover(hints, MOUNTS_CHANGED);
  }

  #mayEnter(): boolean {
    const { oneFileSystem, followMounts } = this.options.scope;
    return !oneFileSystem && (followMounts || !isPseudoFileSystem(this.system.reader.fileSystemType()));
  }

  #subdirectories(path: BytePath): ByteName[] {
    const { reader } = this.system;
    const { root, exclusions } = this.options.scope;
    const found: ByteName[] = [];
    const stat = new StatFields();
    reader.list((name, type) => {
      if (type === 'other') return;
      if (type === 'untold') {
        reader.lookAt(name, stat);
        if (!isDirectory(stat.mode)) return;
      }
      const bytes = name.source.subarray(name.offset, name.offset + name.length);
      const child = nameFromBytes(bytes);
      if (isExcluded(exclusions, { root, directory: path, name: child, isDirectory: true })) return;
      found.push(child);
    });
    return found;
  }

  #cannotWatch(path: BytePath, hints: HintBuffer): void {
    const errno = this.#isFull ? 'ENOSPC' : getSystemErrorName(-this.system.libc.errno());
    if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'EACCES') return;
    if (errno === 'ENOSPC') this.#isFull = true;
    const reason =
      errno === 'ENOSPC' ? this.#limitReached().message : `inotify_add_watch fails with ${errno}`;
    hints.add({ kind: 'unwatched', path, reason });
  }

  #drop(node: WatchedDirectory): void {
    for (const watch of this.#tree.remove(node)) this.system.calls.inotifyRmWatch(this.descriptor, watch);
    this.#isFull = false;
  }

  /** Directories that appeared meanwhile have no watch yet, and others have moved. */
  #recover(hints: HintBuffer, reason: string): void {
    this.#rewalk(hints);
    hints.add({ kind: 'lost', path: this.options.scope.root, reason });
  }

  #rewalk(hints: HintBuffer): void {
    for (const node of this.#tree.all()) this.#tree.detach(node);
    this.#watchTree({ path: this.options.scope.root, place: undefined, parentDevice: 0 }, hints);
    const lost = [...this.#tree.all()].filter((node) => this.#tree.pathOf(node) === undefined);
    for (const node of lost) if (this.#tree.find(node.watch)) this.#drop(node);
  }

  #limitReached(): BackendUnavailableError {
    const limit = readFileSync(LIMIT, 'utf8').trim();
    const where = displayPath(this.options.scope.root);
    return new BackendUnavailableError(
      `${this.#tree.size} directories of ${where} are watched and the limit of ${limit} watches a user is reached: ` +
        'raise it with "sysctl fs.inotify.max_user_watches=1048576"',
    );
  }

  #refused(call: string): BackendUnavailableError {
    const errno = getSystemErrorName(-this.system.libc.errno());
    const reason =
      errno === 'EMFILE'
        ? 'the limit of inotify instances a user is reached: raise it with "sysctl fs.inotify.max_user_instances=1024"'
        : `${call} fails with ${errno}`;
    return new BackendUnavailableError(reason);
  }
}
