import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { parseDirectoryName } from '@filetracker/protocol';
import { type Grant, PERMISSIONS, type Permission } from './grant.js';

/** Shorter tokens could be guessed. */
const MIN_TOKEN_LENGTH = 16;

/** The form of a bearer token in RFC 6750 §2.1. */
const TOKEN = /^[\w.~+/-]+=*$/;

/** How a token is given by its digest, so that the file does not give it away. */
const HASHED = /^sha256:([0-9a-f]{64})$/;

interface Entry {
  readonly digest: Buffer;
  readonly grant: Grant;
}

/** A file of tokens cannot be used; the message says where and why, and never quotes a token. */
class TokenFileError extends Error {
  override readonly name = 'TokenFileError';
}

/**
 * The tokens of a file, one a line: the token, its permissions and maybe a directory, separated by blanks.
 *
 *     # judges read and write below /problems
 *     n0tAGoodOneButLongEnough   read,write   /problems
 *     sha256:9f86d081…           admin
 *
 * Empty lines and those that begin with `#` count for nothing.
 */
export class Tokens {
  #entries: readonly Entry[];

  /** Reads a file of tokens. Throws {@link TokenFileError}. */
  constructor(private readonly path: string) {
    this.#entries = readTokens(path);
  }

  /** Reads the file again; when that throws {@link TokenFileError}, the tokens read before stay. */
  reload(): void {
    this.#entries = readTokens(this.path);
  }

  /** Whether everybody on this machine may read the file. */
  get isPublic(): boolean {
    return (statSync(this.path).mode & 0o004) !== 0;
  }

  /** What a token is good for. Takes equally long for every token, so that none can be found out by its time. */
  find(token: string): Grant | undefined {
    const digest = sha256(token);
    let found: Grant | undefined;
    for (const entry of this.#entries) {
      if (timingSafeEqual(entry.digest, digest)) found = entry.grant;
    }
    return found;
  }
}

function readTokens(path: string): readonly Entry[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new TokenFileError(`cannot read the token file: ${(error as Error).message}`, { cause: error });
  }
  const entries: Entry[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const fail = (problem: string) => new TokenFileError(`${path}, line ${index + 1}: ${problem}`);
    const entry = parseLine(line.trim().split(/\s+/), fail);
    if (entries.some(({ digest }) => digest.equals(entry.digest))) {
      throw fail('this token was given before');
    }
    entries.push(entry);
  }
  return entries;
}

function parseLine(fields: readonly string[], fail: (problem: string) => Error): Entry {
  const [token = '', permissions = '', prefix = '/', ...surplus] = fields;
  if (surplus.length > 0) throw fail('there is something behind token, permissions and directory');
  const hashed = HASHED.exec(token)?.[1];
  if (hashed === undefined && (token.length < MIN_TOKEN_LENGTH || !TOKEN.test(token))) {
    throw fail(`a token has ${MIN_TOKEN_LENGTH} characters or more, of letters, digits and "._~+/-="`);
  }
  return {
    digest: hashed === undefined ? sha256(token) : Buffer.from(hashed, 'hex'),
    grant: parseGrant(permissions, prefix, fail),
  };
}

function parseGrant(list: string, prefix: string, fail: (problem: string) => Error): Grant {
  const permissions = new Set<Permission>();
  for (const text of list.split(',')) {
    const permission = PERMISSIONS.find((known) => known === text);
    if (permission === undefined) {
      throw fail(
        `behind the token come its permissions: ${PERMISSIONS.join(', ')}, with commas between them`,
      );
    }
    permissions.add(permission);
  }
  if (!prefix.startsWith('/')) throw fail('the directory must begin with "/"');
  try {
    const grant = { permissions, prefix: parseDirectoryName(prefix) };
    if (permissions.has('admin') && grant.prefix !== '') throw fail('admin cannot be limited to a directory');
    return grant;
  } catch (error) {
    throw error instanceof TokenFileError ? error : fail((error as Error).message);
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
