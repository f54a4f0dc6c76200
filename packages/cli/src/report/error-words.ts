import { getSystemErrorMap } from 'node:util';

/** A positive error number of the system in words: `permission denied`. */
export function errorWords(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[1] ?? `error ${errno}`;
}
