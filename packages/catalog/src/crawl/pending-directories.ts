import type { ByteName, BytePath } from '../byte-path.js';

/** A directory that is still to be read. */
export interface PendingDirectory {
  readonly path: BytePath;
  /** Steps below the root. */
  readonly depth: number;
  /** Device of the directory that holds it: another one means a mount point. */
  readonly parentDevice: number;
}

/** Subdirectories of one directory: their names one behind the other, so that ten million fit into memory. */
class Siblings {
  #names = Buffer.alloc(64);
  #end = 0;

  constructor(
    readonly parent: BytePath,
    readonly depth: number,
    readonly device: number,
  ) {}

  get isEmpty(): boolean {
    return this.#end === 0;
  }

  push(source: Uint8Array, offset: number, length: number): void {
    if (this.#end + length + 1 > this.#names.length) {
      const larger = Buffer.alloc(2 * this.#names.length + 256);
      this.#names.copy(larger, 0, 0, this.#end);
      this.#names = larger;
    }
    this.#names.set(source.subarray(offset, offset + length), this.#end);
    this.#names[this.#end + length] = length;
    this.#end += length + 1;
  }

  pop(): ByteName {
    const length = this.#names[this.#end - 1] ?? 0;
    const start = this.#end - 1 - length;
    const name = this.#names.toString('latin1', start, start + length) as ByteName;
    this.#end = start;
    return name;
  }
}

/** A crawler thread's own stack of directories to read, deepest first. */
export class PendingDirectories {
  #stack: Siblings[] = [];
  /** The directory in work, and its subdirectories once there is one: most have none. */
  #parent = '/' as BytePath;
  #depth = 0;
  #device = 0;
  #open: Siblings | undefined;

  /** Begins to collect the subdirectories of a directory; {@link commit} or {@link discard} ends it. */
  collect(parent: BytePath, depth: number, device: number): void {
    this.#parent = parent;
    this.#depth = depth + 1;
    this.#device = device;
  }

  /** Adds a subdirectory by its name's bytes. */
  add(source: Uint8Array, offset: number, length: number): void {
    this.#open ??= new Siblings(this.#parent, this.#depth, this.#device);
    this.#open.push(source, offset, length);
  }

  /** Puts what was collected on the stack. */
  commit(): void {
    if (this.#open) this.#stack.push(this.#open);
    this.#open = undefined;
  }

  /** Forgets what was collected. */
  discard(): void {
    this.#open = undefined;
  }

  /** The next directory to read, the deepest. */
  pop(): PendingDirectory | undefined {
    return this.#take(this.#stack.length - 1);
  }

  /** A directory to give to another thread: one of the shallowest, for the largest tree is likely below it. */
  give(): PendingDirectory | undefined {
    return this.#take(0);
  }

  #take(index: number): PendingDirectory | undefined {
    // Without a look at what is not there, for which the compiler gives up the code of all callers and begins again.
    const siblings = this.#stack.length === 0 ? undefined : this.#stack[index];
    if (!siblings) return undefined;
    const { parent, depth, device } = siblings;
    const name = siblings.pop();
    if (siblings.isEmpty) this.#drop(index);
    return {
      path: (parent === '/' ? `/${name}` : `${parent}/${name}`) as BytePath,
      depth,
      parentDevice: device,
    };
  }

  #drop(index: number): void {
    if (index === this.#stack.length - 1) this.#stack.pop();
    else this.#stack.splice(index, 1);
  }
}
