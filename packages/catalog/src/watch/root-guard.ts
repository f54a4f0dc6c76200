import { closeSync, constants, lstatSync, openSync, readdirSync } from 'node:fs';
import { type BytePath, toBytes } from '../byte-path.js';
import { reasonOf } from '../scan/root-check.js';

const { O_DIRECTORY, O_RDONLY } = constants;

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
      if (!stat.isDirectory()) return 'it is not a directory';
      // Opened and not asked for with access(2), which leaves the capabilities of a service out of account.
      closeSync(openSync(this.#bytes, O_RDONLY | O_DIRECTORY));
      return `=${stat.dev}:${stat.ino}`;
    } catch (error) {
      const { errno, code } = error as NodeJS.ErrnoException;
      return errno === undefined ? `it cannot be looked at (${code})` : reasonOf(errno);
    }
  }
}
