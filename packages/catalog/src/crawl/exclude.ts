import { type BytePath, bytesOfText, isWithin, textOfBytes } from '../byte-path.js';
import { setExpression } from './glob-set.js';
import { InvalidPatternError } from './invalid-pattern-error.js';

/** A pattern, compiled. Plain data: it travels to worker threads. */
export interface Exclusion {
  readonly expression: RegExp;
  /** What it is compared with: the name alone, or the path below the root. */
  readonly subject: 'name' | 'path';
  readonly directoriesOnly: boolean;
}

/** One character of UTF-8 that is no slash, or a stray byte, in a string of bytes. */
const CHARACTER = '(?:[\\x00-\\x2e\\x30-\\x7f]|[\\xc0-\\xff][\\x80-\\xbf]*|[\\x80-\\xbf])';

/**
 * Compiles a glob as rsync and git read them: without a slash it matches names at any depth; with one, paths below
 * the root; a closing slash means directories only. `*` and `?` match anything but a slash, `**` slashes too,
 * `[a-z]`, `[[:digit:]]` and `[!a-z]` one character, a backslash takes the next character as it is.
 * Throws {@link InvalidPatternError}.
 */
export function compileExclusion(pattern: string): Exclusion {
  const bytes = bytesOfText(pattern).toString('latin1');
  const directoriesOnly = bytes.endsWith('/');
  const body = directoriesOnly ? bytes.slice(0, -1) : bytes;
  if (body === '' || body === '/') throw new InvalidPatternError(`the pattern "${pattern}" matches nothing`);
  const subject = body.includes('/') ? 'path' : 'name';
  const source = globToExpression(body.replace(/^\//, ''), pattern);
  return { expression: new RegExp(`^${source}$`, 's'), subject, directoriesOnly };
}

/** Reads patterns of an `--exclude-from` file: one a line, blank lines and lines that begin with `#` left out. */
export function parseExcludeFile(content: Uint8Array): string[] {
  return textOfBytes(content)
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Whether an entry is left out. `name` are bytes; `directory` is the path that holds it. */
export function isExcluded(
  exclusions: readonly Exclusion[],
  entry: {
    readonly root: BytePath;
    readonly directory: BytePath;
    readonly name: string;
    readonly isDirectory: boolean;
  },
): boolean {
  return exclusions.some(({ expression, subject, directoriesOnly }) => {
    if (directoriesOnly && !entry.isDirectory) return false;
    return expression.test(
      subject === 'name' ? entry.name : pathBelow(entry.root, entry.directory) + entry.name,
    );
  });
}

function pathBelow(root: BytePath, directory: BytePath): string {
  if (directory === root || !isWithin(directory, root)) return '';
  return `${directory.slice(root === '/' ? 1 : root.length + 1)}/`;
}

/** What every name has that a glob matches, as bytes. */
export interface Literals {
  /** What it begins with; empty where that is open. */
  readonly start: string;
  /** The longest text that stands somewhere in it; empty where there is none. */
  readonly longest: string;
}

/** What a database can look for before names are compared with a glob itself. */
export function literalsOf(pattern: string): Literals {
  const body = bytesOfText(pattern).toString('latin1').replace(/\/$/, '');
  let runs = [''];
  let isFromStart = true;
  for (const [token, , set, escaped, plain] of body.matchAll(TOKEN)) {
    const character = escaped ?? plain;
    // What stands before a slash, or before what may match slashes, is in the names of directories above.
    if (token.startsWith('**') || character === '/') {
      // A name begins behind a slash. ** may match a part of it, and what ends in a slash may match nothing.
      const isAtStart: boolean = isFromStart && runs.length === 1 && runs[0] === '';
      isFromStart = character === '/' || (token === '**/' && isAtStart);
      runs = [''];
    } else if (token === '*' || token === '?' || set !== undefined) runs.push('');
    else runs.push(`${runs.pop() ?? ''}${character ?? ''}`);
  }
  return {
    start: isFromStart ? (runs[0] ?? '') : '',
    longest: runs.reduce((longest, run) => (run.length > longest.length ? run : longest)),
  };
}

const TOKEN = /\*\*\/|\*\*|\*|\?|\[(!|\^)?(\]?(?:\[:[a-z]+:\]|[^\]])*)\]|\\(.)|([^])/gs;

function globToExpression(glob: string, pattern: string): string {
  if (/(^|[^\\])(\\\\)*\\$/.test(glob)) {
    throw new InvalidPatternError(`the pattern "${pattern}" ends in a backslash`);
  }
  return glob.replace(
    TOKEN,
    (token, negation: string | undefined, set: string | undefined, escaped, plain) => {
      if (token === '**/') return '(?:[^]*/)?';
      if (token === '**') return '[^]*';
      if (token === '*') return '[^/]*';
      if (token === '?') return CHARACTER;
      if (set !== undefined) {
        const oneOf = setExpression(set, pattern);
        return negation ? `(?!${oneOf})${CHARACTER}` : `(?!/)${oneOf}`;
      }
      return escapeExpression(String(escaped ?? plain));
    },
  );
}

function escapeExpression(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
