import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** The calls of the C library that event sources need. Pointers are addresses, see {@link Libc.addressOf}. */
export interface EventCalls {
  readonly fanotifyInit: (flags: number, eventFlags: number) => number;
  readonly fanotifyMark: (
    descriptor: number,
    flags: number,
    mask: bigint,
    directory: number,
    path: number,
  ) => number;
  readonly openByHandleAt: (mount: number, handle: number, flags: number) => number;
  /** Bytes of the link's target, negative on failure. */
  readonly readlink: (path: number, buffer: number, length: number) => number;
  readonly inotifyInit1: (flags: number) => number;
  readonly inotifyAddWatch: (descriptor: number, path: number, mask: number) => number;
  readonly inotifyRmWatch: (descriptor: number, watch: number) => number;
  readonly eventfd: (initial: number, flags: number) => number;
  /** Waits; blocks the thread. `timeout` in milliseconds, negative: for ever. */
  readonly poll: (descriptors: number, count: number, timeout: number) => number;
  readonly read: (descriptor: number, buffer: number, length: number) => number;
  readonly write: (descriptor: number, buffer: number, length: number) => number;
}

let loaded: EventCalls | undefined | 'unavailable';

/** The calls through koffi; undefined where the platform does not offer them. Loads once a thread. */
export function loadEventCalls(): EventCalls | undefined {
  loaded ??= tryLoad() ?? 'unavailable';
  return loaded === 'unavailable' ? undefined : loaded;
}

function tryLoad(): EventCalls | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const library = koffi.load(null);
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a function takes what its prototype says
    const call = <Name extends keyof EventCalls>(prototype: string) =>
      library.func(prototype) as unknown as EventCalls[Name];
    return {
      fanotifyInit: call<'fanotifyInit'>('int fanotify_init(uint32_t flags, uint32_t event_flags)'),
      fanotifyMark: call<'fanotifyMark'>(
        'int fanotify_mark(int descriptor, uint32_t flags, uint64_t mask, int directory, uint64_t path)',
      ),
      openByHandleAt: call<'openByHandleAt'>('int open_by_handle_at(int mount, uint64_t handle, int flags)'),
      readlink: call<'readlink'>('int64_t readlink(uint64_t path, uint64_t buffer, size_t length)'),
      inotifyInit1: call<'inotifyInit1'>('int inotify_init1(int flags)'),
      inotifyAddWatch: call<'inotifyAddWatch'>(
        'int inotify_add_watch(int descriptor, uint64_t path, uint32_t mask)',
      ),
      inotifyRmWatch: call<'inotifyRmWatch'>('int inotify_rm_watch(int descriptor, int watch)'),
      eventfd: call<'eventfd'>('int eventfd(uint32_t initial, int flags)'),
      poll: call<'poll'>('int poll(uint64_t descriptors, uint64_t count, int timeout)'),
      read: call<'read'>('int64_t read(int descriptor, uint64_t buffer, size_t length)'),
      write: call<'write'>('int64_t write(int descriptor, uint64_t buffer, size_t length)'),
    };
  } catch {
    // No koffi binary for this platform, or a C library without these symbols.
    return undefined;
  }
}
