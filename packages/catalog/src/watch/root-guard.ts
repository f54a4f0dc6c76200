import { lstatSync, readdirSync } from 'node:fs';
import { type BytePath, toBytes } from '../byte-path.js';

/** Why a root cannot be watched at the moment, in words; undefined when it can. */
type RootProblem = string | undefined;

/** Tells whether a root is still the directory that it was. */
export class RootGuard {
  readonly #bytes: Buffer;
  #identity: string | undefined;

  constructor(root: BytePath) {
    this.#bytes = toBytes(root);
  }

  /** Takes the directory that is there now for the root. Returns why there is none. */
  adopt(): RootProblem {
    this.#identity = undefined;
    const found = this.#look();
    if (!found.startsWith('=')) return found;
    this.#identity = found;
    return undefined;
  }

  /** Why the adopted directory is not there any more. */
  check(): RootProblem {
    const found = this.#look();
    if (!found.startsWith('=')) return found;
    return found === this.#identity ? undefined : 'it was replaced, mounted or unmounted';
  }

  /** Whether the root holds nothing, or cannot be listed. */
  isEmpty(): boolean {
    try {
      return readdirSync(this.#bytes).length === 0;
    } catch {
      return true;
    }
  }

  /** `=` and an identity, or what is wrong. */
  #look(): string {
    try {
      const stat = lstatSync(this.#bytes, { bigint: true });
      return stat.isDirectory() ? `=${stat.dev}:${stat.ino}` : 'it is not a directory';
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? 'it does not exist' : `it cannot be looked at (${code})`;
    }
  }
}
