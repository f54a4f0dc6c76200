import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { type BytePath, isWithin, toBytes } from '../byte-path.js';
import type { EventCalls } from '../linux/event-calls.js';
import type { Libc } from '../linux/libc.js';
import { PASS_DIRECTORY } from '../linux/open-flags.js';
import { DeepDirectories } from './deep-directories.js';
import { FSID_BYTES } from './fanotify-event.js';

const { O_RDONLY, O_DIRECTORY } = constants;

/** Where a directory is. */
interface HandlePath {
  readonly path: BytePath;
  /** Whether it is the root or lies below it. */
  readonly isInside: boolean;
  /** Whether the directory meant is somewhere below: its own path is longer than the system tells. */
  readonly isAbove: boolean;
}

/** All directories that neither lie below the root nor hold it: where they are is nobody's business. */
const ELSEWHERE: HandlePath = { path: '/..' as BytePath, isInside: false, isAbove: false };

/** Handles that are remembered. Resolving one takes 12 µs, looking one up a tenth of a microsecond. */
const MAX_CACHED = 200_000;

/** Turns file handles of directories into paths. */
export class HandlePaths {
  /** By file system and handle; null: the directory is gone. Outsiders are remembered too. */
  readonly #cache = new Map<string, HandlePath | null>();
  /** By file system: where a directory of it is, and its descriptor while it is open. */
  readonly #mounts = new Map<string, { readonly path: BytePath; descriptor: number | undefined }>();
  readonly #deep = new DeepDirectories();
  readonly #handle = Buffer.alloc(256);
  readonly #handleAddress: number;

  constructor(
    private readonly root: BytePath,
    private readonly libc: Libc,
    private readonly calls: EventCalls,
  ) {
    this.#handleAddress = libc.addressOf(this.#handle);
  }

  /** Handles of the file system `fsid` are opened through this directory of it from now on. */
  setMount(fsid: string, path: BytePath): void {
    this.#mounts.set(fsid, { path, descriptor: undefined });
  }

  /** Lets go of the file systems: one that is held open cannot be unmounted. */
  release(): void {
    for (const mount of this.#mounts.values()) {
      if (mount.descriptor !== undefined) closeSync(mount.descriptor);
      mount.descriptor = undefined;
    }
  }

  /** Where a directory is now; undefined when it is gone. */
  resolve(handle: string): HandlePath | undefined {
    const cached = this.#cache.get(handle);
    if (cached !== undefined) return cached ?? undefined;
    const found = this.#open(handle);
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    this.#cache.set(handle, found ?? null);
    return found;
  }

  /** Forgets all paths, because a directory was renamed. */
  forget(): void {
    this.#cache.clear();
    this.#deep.forget();
  }

  #openMount(fsid: string): number | undefined {
    const mount = this.#mounts.get(fsid);
    if (!mount) return undefined;
    try {
      return (mount.descriptor ??= openSync(toBytes(mount.path), O_RDONLY | O_DIRECTORY));
    } catch {
      // The place is gone, and so is all that the handle could lead to.
      return undefined;
    }
  }

  #open(handle: string): HandlePath | undefined {
    const mount = this.#openMount(handle.slice(0, FSID_BYTES));
    if (mount === undefined) return undefined;
    this.#handle.write(handle.slice(FSID_BYTES), 'latin1');
    const descriptor = this.calls.openByHandleAt(mount, this.#handleAddress, PASS_DIRECTORY);
    if (descriptor < 0) return undefined;
    try {
      // One that is deleted but still open somewhere gets a name that leads nowhere, which is harmless.
      const path = readlinkSync(`/proc/self/fd/${descriptor}`, 'latin1') as BytePath;
      const isInside = isWithin(path, this.root);
      // One object for all of them: those of a busy machine would fill the memory with paths.
      if (!isInside && !isWithin(this.root, path)) return ELSEWHERE;
      return { path, isInside, isAbove: false };
    } catch {
      const above = this.#deep.nearestAbove(descriptor);
      return above === undefined
        ? undefined
        : { path: above, isInside: isWithin(above, this.root), isAbove: true };
    } finally {
      this.libc.close(descriptor);
    }
  }
}
