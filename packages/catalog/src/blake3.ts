import { createRequire } from 'node:module';
import type * as BlakeHash from '@napi-rs/blake-hash';

const PACKAGE = '@napi-rs/blake-hash';

/**
 * BLAKE3, natively. Where the C library is glibc its binding is loaded by name: the package itself has Node.js write a
 * diagnostic report to find out which C library there is, which takes 10 to 35 ms of each thread's start.
 */
export const { blake3, Blake3Hasher } = load();

function load(): typeof BlakeHash {
  const require = createRequire(import.meta.url);
  if (process.platform === 'linux') {
    try {
      // Found from the package on, whose dependency it is.
      const binding = `${PACKAGE}-linux-${process.arch}-gnu`;
      return createRequire(require.resolve(PACKAGE))(binding) as typeof BlakeHash;
    } catch {
      // Another C library or processor: the package knows what to load.
    }
  }
  return require(PACKAGE) as typeof BlakeHash;
}
