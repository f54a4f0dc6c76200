import { readFileSync, readlinkSync } from 'node:fs';
import { textOfBytes } from '@filetracker/catalog/paths';

/** Where Node.js has put what it could not read as UTF-8. */
const LOST = '\ufffd';

/**
 * Arguments as they were typed. Node.js puts U+FFFD in place of bytes that are no UTF-8, of which there are some in the
 * names of old files; here each stands as a lone surrogate, which `bytesOfText` of the catalog turns back.
 */
export function exactArguments(args: readonly string[]): readonly string[] {
  const typed = commandLine()?.slice(-args.length);
  // A program that was started in another way than by its command line has arguments of its own.
  const isSame = typed?.every((bytes, at) => bytes.toString('utf8') === args[at]);
  return typed && isSame ? typed.map(textOfBytes) : args;
}

/** The working directory, exactly. */
export function exactWorkingDirectory(): string {
  const directory = process.cwd();
  if (!directory.includes(LOST) || process.platform !== 'linux') return directory;
  return textOfBytes(readlinkSync('/proc/self/cwd', 'buffer'));
}

/** The words of this process's command line; undefined where the system does not tell. */
function commandLine(): readonly Buffer[] | undefined {
  let whole: string;
  try {
    whole = readFileSync('/proc/self/cmdline').toString('latin1');
  } catch {
    // Another system, or a container without /proc.
    return undefined;
  }
  return whole
    .split('\0')
    .slice(0, -1)
    .map((word) => Buffer.from(word, 'latin1'));
}
