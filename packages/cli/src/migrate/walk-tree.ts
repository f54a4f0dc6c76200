import { type Dirent, readdirSync } from 'node:fs';
import { type DirectoryName, type FileName, ProtocolError, parseFileName } from '@filetracker/protocol';

/** What a walk comes upon, in the order of the bytes of the names. */
export type WalkEvent =
  | { readonly kind: 'file'; readonly name: FileName; readonly path: string }
  /** Nothing at or below this name will come, for a reason in one line. */
  | { readonly kind: 'left-out'; readonly name: string; readonly reason: string }
  | { readonly kind: 'excluded'; readonly name: string };

/** How a tree is walked. */
export interface WalkRules {
  /** The name of an entry, from what stands on the disk; undefined where it has none. */
  readonly decodeName: (onDisk: Buffer) => string | undefined;
  /** Why an entry without a name has none. */
  readonly noName: string;
  /** Why something that is no directory cannot be stored; undefined where it can. */
  readonly refuse: (entry: Dirent<Buffer>) => string | undefined;
  /** Whether an entry is to be left out; paths are relative to the tree's root. */
  readonly isExcluded: (relativePath: string, isDirectory: boolean) => boolean;
}

/**
 * Walks a tree with the calls that wait, which are the fastest. Names begin with `directory`; entries on the disk
 * whose names are no UTF-8 must have none in the store either.
 */
export function* walkTree(root: string, directory: DirectoryName, rules: WalkRules): Generator<WalkEvent> {
  yield* below(root, directory, '', rules);
}

function* below(path: string, directory: string, inside: string, rules: WalkRules): Generator<WalkEvent> {
  let entries: Dirent<Buffer>[];
  try {
    entries = readdirSync(path, { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    yield { kind: 'left-out', name: directory, reason: `it cannot be read (${(error as Error).message})` };
    return;
  }
  for (const entry of entriesInOrder(entries)) {
    const isDirectory = entry.isDirectory();
    const component = rules.decodeName(entry.name);
    const name = joined(directory, component ?? entry.name.toString());
    if (component === undefined) yield { kind: 'left-out', name, reason: rules.noName };
    else if (rules.isExcluded(`${inside}${component}`, isDirectory)) yield { kind: 'excluded', name };
    else if (isDirectory) {
      yield* below(`${path}/${entry.name.toString()}`, name, `${inside}${component}/`, rules);
    } else yield fileOrReason(name, `${path}/${entry.name.toString()}`, rules.refuse(entry));
  }
}

function fileOrReason(name: string, path: string, refusal: string | undefined): WalkEvent {
  if (refusal !== undefined) return { kind: 'left-out', name, reason: refusal };
  try {
    return { kind: 'file', name: parseFileName(name), path };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { kind: 'left-out', name, reason: error.message };
  }
}

function joined(directory: string, component: string): string {
  return directory === '' ? component : `${directory}/${component}`;
}

const SLASH = Buffer.from('/');

/**
 * The entries of a directory in the order that makes the files of a whole tree come in the order of their names:
 * the files below a directory have names that go on with a slash.
 */
function entriesInOrder(entries: readonly Dirent<Buffer>[]): readonly Dirent<Buffer>[] {
  return entries
    .map((entry) => ({ entry, key: entry.isDirectory() ? Buffer.concat([entry.name, SLASH]) : entry.name }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ entry }) => entry);
}
