import { bytesOfText, textOfBytes } from '../byte-path.js';
import { InvalidPatternError } from './invalid-pattern-error.js';

/** What POSIX names within a set, `[[:digit:]]`, in ASCII as the C locale has it. */
const CLASSES: Readonly<Record<string, string>> = {
  alnum: '[0-9A-Za-z]',
  alpha: '[A-Za-z]',
  blank: '[ \\t]',
  cntrl: '[\\x00-\\x1f\\x7f]',
  digit: '[0-9]',
  graph: '[!-~]',
  lower: '[a-z]',
  print: '[ -~]',
  punct: '[!-\\/:-@\\[-`{-~]',
  space: '[ \\t-\\r]',
  upper: '[A-Z]',
  xdigit: '[0-9A-Fa-f]',
};

/** A range beyond ASCII is written out character by character; this many are more than any script has. */
const MOST_CHARACTERS = 0x10000;

/**
 * The inside of a set of a glob, `a-z_é`, as a regular expression for one of its characters in a string of bytes: those
 * of UTF-8 have several. Throws {@link InvalidPatternError}.
 */
export function setExpression(set: string, pattern: string): string {
  const wrong = (what: string) => new InvalidPatternError(`the pattern "${pattern}" has ${what}`);
  const text = textOfBytes(Buffer.from(set, 'latin1'));
  const members = Array.from(
    text.matchAll(/\[:([a-z]+):\]|([^])(?:-([^]))?/gu),
    ([, name, first = '', last]) => {
      if (name !== undefined) {
        const characters = CLASSES[name];
        if (!characters) throw wrong(`the unknown class [:${name}:]`);
        return characters;
      }
      return last === undefined ? bytesExpression(first) : rangeExpression(first, last, wrong);
    },
  );
  return `(?:${members.join('|')})`;
}

function rangeExpression(first: string, last: string, wrong: (what: string) => InvalidPatternError): string {
  const from = first.codePointAt(0) ?? 0;
  const to = last.codePointAt(0) ?? 0;
  if (from > to) throw wrong('a range out of order');
  if (to < 0x80) return `[${bytesExpression(first)}-${bytesExpression(last)}]`;
  if (to - from >= MOST_CHARACTERS) throw wrong('a range of too many characters');
  return Array.from({ length: to - from + 1 }, (_, at) =>
    bytesExpression(String.fromCodePoint(from + at)),
  ).join('|');
}

function bytesExpression(character: string): string {
  return bytesOfText(character).toString('hex').replace(/../g, '\\x$&');
}
