import { parseFileName, type SplitName, splitName, toVersion } from '@filetracker/protocol';

/**
 * A file as callers name it: `/a/b`, `/a/b@1700000000`, or an object. Only the object can name a file whose own
 * name ends in `@` and digits.
 */
export type NameArgument = string | { readonly name: string; readonly version?: number | undefined };

/** Reads a name argument. Throws `ProtocolError` with the rule that was broken. */
export function parseNameArgument(argument: NameArgument): SplitName {
  if (typeof argument === 'string') return splitName(argument);
  const name = parseFileName(argument.name);
  return argument.version === undefined ? { name } : { name, version: toVersion(argument.version) };
}
