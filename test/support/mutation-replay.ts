import { type BytePath, type Catalog, displayPath, isDirectory, type Mutation } from '@filetracker/catalog';
import { all, contents } from './catalog-contents.js';

/** Path to what a replay of mutations keeps of an entry. */
export type Replayed = Map<string, string>;

/** What a catalog has below a directory, as a replay would have it. */
export async function kept(catalog: Catalog, path: BytePath): Promise<Replayed> {
  const { directories, files } = await contents(catalog, path);
  return new Map([
    ...directories.map(({ path: at, attributes: { mode } }): [string, string] => [at, `${mode}`]),
    ...files.map((file): [string, string] => [file.path, keep(file)]),
  ]);
}

function keep({
  mode,
  size,
  mtimeNs,
  inode,
}: {
  mode: number;
  size: number;
  mtimeNs: bigint;
  inode: bigint;
}) {
  return isDirectory(mode) ? `${mode}` : `${mode} ${size} ${mtimeNs} ${inode}`;
}

/**
 * Replays the log behind a cursor over what was there then, batch by batch: what left a place first, then what came.
 * Fails where a batch tells of what was not there, or puts something where something is.
 */
export async function replay(tree: Replayed, catalog: Catalog, after: number): Promise<Replayed> {
  const batches = new Map<number, Mutation[]>();
  for (const mutation of await all(catalog.mutations({ after }))) {
    const batch = batches.get(mutation.recordedAt);
    if (batch) batch.push(mutation);
    else batches.set(mutation.recordedAt, [mutation]);
  }
  for (const batch of batches.values()) replayBatch(tree, batch);
  return tree;
}

function replayBatch(tree: Replayed, batch: readonly Mutation[]): void {
  const refuse = (mutation: Mutation, why: string) => {
    const told = batch.filter(({ path, previousPath }) => [path, previousPath].includes(mutation.path));
    const lines = told.map(({ sequence, kind, path }) => `${sequence} ${kind} ${displayPath(path)}`);
    throw new Error(
      `${mutation.sequence} ${mutation.kind} ${displayPath(mutation.path)}: ${why}\n${lines.join('\n')}`,
    );
  };
  for (const mutation of batch) {
    const { kind, path, previousPath } = mutation;
    if (kind === 'modified' && !tree.has(path)) refuse(mutation, 'it was not there');
    if (kind !== 'removed' && kind !== 'renamed') continue;
    if (!tree.delete(previousPath ?? path)) refuse(mutation, 'what left was not there');
  }
  for (const mutation of batch) {
    const { kind, path, after } = mutation;
    if (!after) continue;
    if (kind !== 'modified' && tree.has(path)) refuse(mutation, 'something is there');
    tree.set(path, keep(after));
  }
}
