import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

let koffi: typeof Koffi | undefined;

/** koffi is loaded with the first call only: it costs 20 ms, which commands that need none of this need not pay. */
function load(): typeof Koffi {
  koffi ??= createRequire(import.meta.url)('koffi') as typeof Koffi;
  return koffi;
}

/**
 * A function of the C library; its type is for the caller to say.
 *
 * @param declaration in C, such as `int close(int fd)`
 */
export function libcFunction(declaration: string): unknown {
  return load().load(null).func(declaration);
}

/** The errno(3) of the last such call: to be asked right after it. */
export function errno(): number {
  return load().errno();
}
