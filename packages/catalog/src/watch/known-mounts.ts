import { opendirSync } from 'node:fs';
import { constants } from 'node:os';
import { type BytePath, splitPath, toBytes } from '../byte-path.js';
import type { Catalog } from '../database/catalog.js';
import type { WatchRecorder } from '../database/watch-recorder.js';
import { isDirectory } from '../entry.js';
import { reasonOf } from '../scan/root-check.js';
import type { TreeReader } from './tree-reader.js';
import type { UnreadableNews } from './unreadable.js';

/**
 * The file systems below a root that the catalog knows. Of one that is not mounted at the moment nothing is taken for
 * removed: its mount point, which is an empty directory now, cannot be read, and what was below is not looked at.
 */
export class KnownMounts {
  #missing: ReadonlySet<BytePath> = new Set();

  /** `news` tells of those that go and come. A reader without mounts believes that all is empty which is. */
  constructor(
    private readonly catalog: Pick<Catalog, 'directory'>,
    private readonly reader: TreeReader,
    private readonly news?: UnreadableNews,
  ) {}

  /** What {@link missing} found the last time. */
  get lastMissing(): ReadonlySet<BytePath> {
    return this.#missing;
  }

  /** Takes in what the catalog has by now, and returns it. */
  async learn(recorder: WatchRecorder): Promise<readonly BytePath[]> {
    const { mounts } = this.reader;
    if (!mounts) return [];
    const known = await recorder.knownMounts();
    for (const path of known) mounts.add(path);
    return known;
  }

  /** The mount points of those that are not mounted and have files in the catalog. */
  async missing(): Promise<ReadonlySet<BytePath>> {
    const { mounts } = this.reader;
    const missing = new Set<BytePath>();
    for (const path of mounts ?? []) {
      const device = this.#deviceWhereUnmounted(path);
      if (device === undefined) continue;
      if (await this.#hadFiles(path, device)) missing.add(path);
      else mounts?.delete(path);
    }
    this.#tell(missing);
    return missing;
  }

  /** Whether one was mounted or unmounted since some were found {@link missing}. */
  haveChanged(since: ReadonlySet<BytePath>): boolean {
    const paths = [...(this.reader.mounts ?? [])];
    return paths.some((path) => (this.#deviceWhereUnmounted(path) !== undefined) !== since.has(path));
  }

  #tell(missing: ReadonlySet<BytePath>): void {
    const before = this.#missing;
    this.#missing = missing;
    const reason = reasonOf(constants.errno.ENODEV);
    for (const path of missing) this.news?.take(path, { count: 1, example: { path, reason } });
    for (const path of before)
      if (!missing.has(path)) this.news?.take(path, { count: 0, example: undefined });
  }

  /** Whether the catalog has files below a directory which was a mount point when it was last looked at. */
  async #hadFiles(path: BytePath, device: number): Promise<boolean> {
    const known = await this.catalog.directory(path);
    if (!known || known.totals.files === 0) return false;
    const parent = splitPath(path)?.parent;
    const around = parent === undefined ? undefined : await this.catalog.directory(parent);
    return known.attributes.device !== (around?.attributes.device ?? device);
  }

  /** The device of an empty directory that is on that of the one around it; undefined for anything else. */
  #deviceWhereUnmounted(path: BytePath): number | undefined {
    const parent = splitPath(path)?.parent;
    const around = parent === undefined ? undefined : this.reader.look(parent)?.device;
    const own = this.reader.look(path);
    if (!own || own.device !== around || !isDirectory(own.mode)) return undefined;
    return isEmpty(path) ? around : undefined;
  }
}

/** Reads no more than the beginning: what stands in the place of a mount may be large. */
function isEmpty(path: BytePath): boolean {
  try {
    const directory = opendirSync(toBytes(path), { bufferSize: 1 });
    const first = directory.readSync();
    directory.closeSync();
    return first === null;
  } catch {
    // Whoever lists it finds out.
    return false;
  }
}
