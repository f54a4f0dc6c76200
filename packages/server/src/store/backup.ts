import type { BlobId, BlobStore } from '../blobs/blob-store.js';
import type { MetadataSnapshot } from '../metadata/metadata-snapshot.js';

/** What a backup came to: its copies of large contents, counted. */
export interface BackupReport {
  /** There from an earlier backup. */
  present: number;
  /** Hard links to those of the store: they cost no room. */
  linked: number;
  copied: number;
  /** Of an earlier backup, and not needed any more. */
  removed: number;
}

const DELETED_AT_ONCE = 500;

/** Where a backup goes to: a directory laid out as a store. */
export interface BackupTarget {
  readonly directory: string;
  readonly blobs: BlobStore;
}

/**
 * Makes a directory a copy of a store as it is at one moment, beside servers that change it. An earlier backup there
 * stays whole until the new one takes its place: copies are added first, then the metadata is replaced at once, and
 * what only the old one needed goes last.
 */
export async function backUp(
  store: { readonly blobs: BlobStore; readonly snapshot: () => Promise<MetadataSnapshot> },
  target: BackupTarget,
): Promise<BackupReport> {
  const report = { present: 0, linked: 0, copied: 0, removed: 0 };
  const release = await store.blobs.holdDeletions();
  let snapshot: MetadataSnapshot;
  try {
    snapshot = await store.snapshot();
    for await (const id of copiesOf(snapshot)) report[await store.blobs.mirror(id, target.directory)]++;
  } finally {
    release();
  }
  await target.blobs.syncNames();
  const superfluous = await superfluousCopies(snapshot, target.blobs);
  await snapshot.install(target.directory);
  for (let begin = 0; begin < superfluous.length; begin += DELETED_AT_ONCE) {
    await target.blobs.deleteDurably(superfluous.slice(begin, begin + DELETED_AT_ONCE));
  }
  report.removed = superfluous.length;
  return report;
}

async function* copiesOf(snapshot: MetadataSnapshot): AsyncGenerator<BlobId> {
  for await (const page of snapshot.contents()) {
    for (const { location } of page) if (location.kind === 'blob') yield location.blob;
  }
}

/** Copies in a backup that a snapshot does not need. In memory are these, and at any time a 256th of the others. */
async function superfluousCopies(snapshot: MetadataSnapshot, blobs: BlobStore): Promise<readonly BlobId[]> {
  const superfluous: BlobId[] = [];
  const needed = new Set<BlobId>();
  let byte = 0;
  const compareBefore = async (end: number) => {
    for (; byte < end; byte++) {
      for (const { id } of await blobs.copies(byte)) if (!needed.has(id)) superfluous.push(id);
      needed.clear();
    }
  };
  for await (const page of snapshot.contents()) {
    for (const { digest, location } of page) {
      await compareBefore(Number.parseInt(digest.slice(0, 2), 16));
      if (location.kind === 'blob') needed.add(location.blob);
    }
  }
  await compareBefore(256);
  return superfluous;
}
