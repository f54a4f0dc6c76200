import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { UsageError } from '../errors.js';

/** Permissions of anybody but the owner. */
const OTHERS = 0o077;

/**
 * The token for a server from a file in the format of `.netrc`: `machine HOST[:PORT] password TOKEN`. An entry
 * with a port is for that port only; the first that fits is taken. Undefined where no file or no entry is.
 *
 * It is a file of our own and not `~/.netrc`, whose passwords for other services of the same host are not for a
 * file server to see. Throws {@link UsageError} when others may read the file.
 */
export function tokenFromFile(path: string, server: URL): string | undefined {
  const text = readPrivate(path);
  if (text === undefined) return undefined;
  const words = text.replaceAll(/^\s*#.*$/gm, '').split(/\s+/);
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  const names = new Set([server.hostname, `${server.hostname}:${port}`]);
  let fits = false;
  for (let index = 0; index + 1 < words.length; index++) {
    const value = words[index + 1] ?? '';
    if (words[index] === 'machine') fits = names.has(value);
    else if (words[index] === 'password' && fits) return value;
    else if (words[index] !== 'login' && words[index] !== 'account' && words[index] !== 'password') continue;
    index++;
  }
  return undefined;
}

function readPrivate(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    // Not there, or in the home of another user: a server that wants a token will say so.
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(String((error as NodeJS.ErrnoException).code)))
      return undefined;
    throw new UsageError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  try {
    if ((fstatSync(fd).mode & OTHERS) !== 0) {
      throw new UsageError(`${path} holds tokens and others may read it: chmod 600 ${path}`);
    }
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}
