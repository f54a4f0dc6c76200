import { type DirectoryName, type FileName, ProtocolError, parseFileName } from '@filetracker/protocol';
import { systemReason } from '../output/system-reason.js';
import type { FileStamp } from './file-stamp.js';

/** What a walk comes upon, in the order of the bytes of the names. */
export type WalkEvent =
  | {
      readonly kind: 'file';
      readonly name: FileName;
      readonly path: string;
      readonly stamp: FileStamp | undefined;
    }
  /** Nothing at or below this name will come, for a reason in one line. */
  | { readonly kind: 'left-out'; readonly name: string; readonly reason: string }
  | { readonly kind: 'excluded'; readonly name: string };

/** What stands in a directory. */
export interface TreeEntry {
  /** The bytes of its name, one a character (latin1): such strings compare as the bytes do. */
  readonly bytes: string;
  readonly isDirectory: boolean;
  /** Why it cannot be stored, if it cannot. */
  readonly refusal?: string | undefined;
  /** What a look at it says, if it was looked at. */
  readonly stamp?: FileStamp | undefined;
}

/** How a tree is walked. */
export interface WalkRules {
  /** What is in a directory, in any order. Throws where that cannot be read. */
  readonly list: (path: string) => readonly TreeEntry[];
  /** The name of an entry, from the bytes on the disk; undefined where it has none. */
  readonly decodeName: (bytes: string) => string | undefined;
  /** Why an entry without a name has none. */
  readonly noName: string;
  /** Whether an entry is to be left out; paths are relative to the tree's root. */
  readonly isExcluded: (relativePath: string, isDirectory: boolean) => boolean;
}

/**
 * Walks a tree with calls that wait, which are the fastest. Names begin with `directory`; entries on the disk whose
 * names are no UTF-8 must have none in the store either.
 */
export function* walkTree(root: string, directory: DirectoryName, rules: WalkRules): Generator<WalkEvent> {
  yield* below(root, directory, '', rules);
}

function* below(path: string, directory: string, inside: string, rules: WalkRules): Generator<WalkEvent> {
  let entries: readonly TreeEntry[];
  try {
    entries = rules.list(path);
  } catch (error) {
    yield { kind: 'left-out', name: directory, reason: `it cannot be read (${systemReason(error)})` };
    return;
  }
  for (const entry of entriesInOrder(entries)) {
    const component = rules.decodeName(entry.bytes);
    const onDisk = component === entry.bytes ? component : Buffer.from(entry.bytes, 'latin1').toString();
    const name = joined(directory, component ?? readable(onDisk, entry.bytes));
    if (component === undefined) yield { kind: 'left-out', name, reason: rules.noName };
    else if (rules.isExcluded(`${inside}${component}`, entry.isDirectory)) yield { kind: 'excluded', name };
    else if (entry.isDirectory) yield* below(`${path}/${onDisk}`, name, `${inside}${component}/`, rules);
    else yield fileOrReason(name, `${path}/${onDisk}`, entry);
  }
}

function fileOrReason(name: string, path: string, { refusal, stamp }: TreeEntry): WalkEvent {
  if (refusal !== undefined) return { kind: 'left-out', name, reason: refusal };
  try {
    return { kind: 'file', name: parseFileName(name), path, stamp };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { kind: 'left-out', name, reason: error.message };
  }
}

function joined(directory: string, component: string): string {
  return directory === '' ? component : `${directory}/${component}`;
}

/** A name that has none in the store, for people: where its bytes are no text, those beyond ASCII read `\xff`. */
function readable(text: string, bytes: string): string {
  if (!text.includes('\ufffd')) return text;
  return bytes.replace(/[\u0080-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

/** Whether the bytes of a name are characters of ASCII, so that they are its characters. */
export function isAscii(bytes: string): boolean {
  return !/[\u0080-\u00ff]/.test(bytes);
}

/**
 * The entries of a directory in the order that makes the files of a whole tree come in the order of their names:
 * the files below a directory have names that go on with a slash.
 */
function entriesInOrder(entries: readonly TreeEntry[]): readonly TreeEntry[] {
  if (!entries.some(({ isDirectory }) => isDirectory)) {
    return entries.toSorted((a, b) => (a.bytes < b.bytes ? -1 : 1));
  }
  return entries
    .map((entry) => ({ entry, key: entry.isDirectory ? `${entry.bytes}/` : entry.bytes }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ entry }) => entry);
}
