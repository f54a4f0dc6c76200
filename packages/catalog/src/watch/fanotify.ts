import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { type BytePath, childPath, toBytes } from '../byte-path.js';
import { isPseudoFileSystem } from '../crawl/mounts.js';
import { displayPath } from '../display-path.js';
import type { EventCalls } from '../linux/event-calls.js';
import { AT_FDCWD, type Libc } from '../linux/libc.js';
import { BackendUnavailableError, type SourceOptions } from './event-source.js';
import { FAN, type FanotifyEvent, parseEvents } from './fanotify-event.js';
import { HandlePaths } from './handle-paths.js';
import type { HintBuffer } from './hint-buffer.js';
import { mountsAround } from './mount-table.js';
import type { NotifyReader } from './notify-reader.js';

/** CLOEXEC, NONBLOCK, UNLIMITED_MARKS, REPORT_DIR_FID, REPORT_NAME. */
const INIT_FLAGS = 0x1 | 0x2 | 0x20 | 0x400 | 0x800;
const UNLIMITED_QUEUE = 0x10;
/** O_LARGEFILE. */
const EVENT_FLAGS = 0x8000;
/** ADD, FILESYSTEM. */
const MARK_FLAGS = 0x1 | 0x100;

const MASK =
  FAN.modify | FAN.attrib | FAN.closeWrite | FAN.create | FAN.delete | FAN.rename | FAN.onDirectory;

const READ_BYTES = 256 * 1024;
/** Bits of the number of a device, as the kernel has it, that are the minor one. */
const MINOR_BITS = 20;
/** Where struct statfs has f_fsid. */
const FSID_AT = 56;

/**
 * Learns of changes from fanotify(7): one mark a file system, so it is ready at once for a tree of any size. Events
 * carry a handle of the directory and a name; those of other trees on the same file system are told apart by the
 * handle.
 */
export class FanotifyReader implements NotifyReader {
  readonly descriptor: number;
  readonly #paths: HandlePaths;
  readonly #buffer = Buffer.alloc(READ_BYTES);
  readonly #address: number;
  /** Marked file systems by where they are mounted. */
  readonly #mounts = new Map<BytePath, string>();

  /** Throws {@link BackendUnavailableError}. */
  constructor(
    private readonly options: SourceOptions,
    private readonly libc: Libc,
    private readonly calls: EventCalls,
  ) {
    this.#paths = new HandlePaths(options.scope.root, libc, calls);
    this.#address = libc.addressOf(this.#buffer);
    const flags = INIT_FLAGS | (options.limitQueue ? 0 : UNLIMITED_QUEUE);
    this.descriptor = calls.fanotifyInit(flags, EVENT_FLAGS);
    if (this.descriptor < 0) throw refused('fanotify_init', libc.errno());
  }

  start(hints: HintBuffer): void {
    this.#addMount(this.options.scope.root);
    this.#addMountsBelow(hints);
  }

  drain(hints: HintBuffer): void {
    for (;;) {
      const length = this.calls.read(this.descriptor, this.#address, READ_BYTES);
      if (length <= 0) break;
      for (const event of parseEvents(this.#buffer.subarray(0, length))) this.#take(event, hints);
    }
    this.#paths.release();
  }

  mountsChanged(hints: HintBuffer): void {
    const { root } = this.options.scope;
    const { own, below } = mountsAround(root);
    const shown = new Map(below.map(({ path, device }) => [path, device]));
    if (own) shown.set(root, own.device);
    const marked = this.#markedDevices();
    const gone = [...this.#mounts.keys()].filter((path) => !marked.has(shown.get(path) ?? ''));
    for (const path of gone) {
      this.#mounts.delete(path);
      hints.add({ kind: 'lost', path, reason: 'it was unmounted' });
    }
    // What was below one may be somewhere else now.
    if (gone.length > 0) this.#paths.forget();
    if (gone.includes(root)) this.#tryAddMount(root, hints);
    this.#addMountsBelow(hints);
    hints.add({ kind: 'root' });
  }

  close(): void {
    this.#paths.release();
    this.libc.close(this.descriptor);
  }

  #take({ mask, place, target }: FanotifyEvent, hints: HintBuffer): void {
    if (mask & FAN.overflow) {
      const reason = 'the queue of fanotify overflowed';
      hints.add({ kind: 'lost', path: this.options.scope.root, reason });
      return;
    }
    const isDirectory = (mask & FAN.onDirectory) !== 0;
    // Before anything is looked up: this event says that paths are not what they were.
    if (isDirectory && mask & FAN.rename) this.#paths.forget();
    const at = place && this.#paths.resolve(place.handle);
    const to = target && this.#paths.resolve(target.handle);
    for (const known of [at, to]) if (known?.isInside && known.isAbove) hints.appeared(known.path);
    if (at?.isAbove || to?.isAbove) return;
    if (at?.isInside && place) hints.changed(at.path, place.name);
    if (to?.isInside && target) hints.changed(to.path, target.name);
    if (at?.isInside && to?.isInside) hints.moved(at.path, to.path);
    if (!isDirectory) return;
    if (at && place?.name && mask & (FAN.delete | FAN.rename))
      hints.displaced(childPath(at.path, place.name));
    if (at?.isInside && place?.name && mask & FAN.create) hints.appeared(childPath(at.path, place.name));
    if (to && target?.name) {
      const path = childPath(to.path, target.name);
      hints.displaced(path);
      if (to.isInside) hints.appeared(path);
      if (to.isInside && at?.isInside) hints.moved(at.path, path);
    }
  }

  #addMountsBelow(hints: HintBuffer): void {
    const { root, oneFileSystem } = this.options.scope;
    if (oneFileSystem) return;
    for (const { path } of mountsAround(root).below) {
      if (!this.#mounts.has(path) && this.#tryAddMount(path, hints)) hints.appeared(path);
    }
  }

  #tryAddMount(path: BytePath, hints: HintBuffer): boolean {
    try {
      return this.#addMount(path);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      hints.add({ kind: 'unwatched', path, reason });
      return false;
    }
  }

  /**
   * The devices of the file systems that are marked. A mark goes with its file system, of which the table of mounts says
   * nothing where it is mounted again at once.
   */
  #markedDevices(): ReadonlySet<string> {
    const marks = readFileSync(`/proc/self/fdinfo/${this.descriptor}`, 'latin1');
    const devices = [...marks.matchAll(/ sdev:([0-9a-f]+)/g)].map(([, hex = '']) => Number.parseInt(hex, 16));
    return new Set(devices.map((device) => `${device >>> MINOR_BITS}:${device & ((1 << MINOR_BITS) - 1)}`));
  }

  /** Marks a file system; false where it shows kernel state only. */
  #addMount(path: BytePath): boolean {
    const descriptor = openSync(toBytes(path), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const stat = Buffer.alloc(256);
      if (this.libc.fstatfs(descriptor, this.libc.addressOf(stat)) !== 0)
        throw refused('statfs', this.libc.errno());
      const isPseudo = isPseudoFileSystem(stat.readUInt32LE(0)) && !this.options.scope.followMounts;
      if (isPseudo && path !== this.options.scope.root) return false;
      const fsid = stat.toString('latin1', FSID_AT, FSID_AT + 8);
      if ([...this.#mounts.values()].includes(fsid)) {
        throw new BackendUnavailableError(`${displayPath(path)} shows a file system that is watched already`);
      }
      const name = Buffer.concat([toBytes(path), Buffer.from([0])]);
      const marked = this.calls.fanotifyMark(
        this.descriptor,
        MARK_FLAGS,
        BigInt(MASK),
        AT_FDCWD,
        this.libc.addressOf(name),
      );
      if (marked !== 0) throw refused('fanotify_mark', this.libc.errno());
      this.#paths.setMount(fsid, path);
      this.#mounts.set(path, fsid);
      return true;
    } finally {
      closeSync(descriptor);
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EPERM: 'it needs CAP_SYS_ADMIN',
  EOPNOTSUPP: 'the file system does not support it',
  ENODEV: 'the file system does not support it',
  EXDEV: 'the root of a btrfs subvolume cannot be marked',
  EINVAL: 'it needs Linux 5.17',
  ENOSYS: 'the kernel was built without it',
  EMFILE: 'the limit fs.fanotify.max_user_groups is reached',
};

function refused(call: string, errno: number): BackendUnavailableError {
  const name = getSystemErrorName(-errno);
  return new BackendUnavailableError(REASONS[name] ?? `${call} fails with ${name}`);
}
