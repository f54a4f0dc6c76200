import { type BytePath, toBytes } from './byte-path.js';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Nearly all paths: characters that are the same as bytes, in Unicode and on a terminal. */
const PLAIN = /^[ -[\]-~]*$/;

/** A path as Unicode text; undefined when its bytes are no UTF-8. */
export function unicodePath(path: BytePath): string | undefined {
  if (PLAIN.test(path)) return path;
  try {
    return strict.decode(toBytes(path));
  } catch {
    return undefined;
  }
}

// oxlint-disable-next-line eslint/no-control-regex -- control characters are what it must find
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\\\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * A path for a terminal or a line of text, readable and in one line whatever its bytes: control characters,
 * backslashes, direction marks and bytes that are no UTF-8 are shown as `\n`, `\t`, `\\` or `\xHH`. `printf %b` turns it back.
 */
export function displayPath(path: BytePath): string {
  if (PLAIN.test(path)) return path;
  const text = unicodePath(path);
  if (text === undefined) return displayBytes(toBytes(path));
  return text.replace(UNSAFE, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    if (character === '\\') return '\\\\';
    return hexadecimal(Buffer.from(character));
  });
}

/** The parts that are UTF-8 as text, every other byte as `\xHH`. */
function displayBytes(bytes: Buffer): string {
  let shown = '';
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    const piece = bytes.subarray(at, at + Math.max(1, length));
    shown += length === 0 ? hexadecimal(piece) : displayPath(piece.toString('latin1') as BytePath);
    at += piece.length;
  }
  return shown;
}

/** Bytes of the UTF-8 character that begins there; 0 when none does. */
function characterLength(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    if (unicodePath(bytes.toString('latin1', at, at + length) as BytePath) !== undefined) return length;
  }
  return 0;
}

function hexadecimal(bytes: Buffer): string {
  return bytes.toString('hex').replace(/../g, '\\x$&');
}
