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
  const needed = await neededCopies(snapshot);
  await snapshot.install(target.directory);
  for (let byte = 0; byte < 256; byte++) {
    const copies = (await target.blobs.copies(byte)).map(({ id }) => id);
    const superfluous = copies.filter((id) => !needed.has(id));
    report.removed += superfluous.length;
    await target.blobs.deleteDurably(superfluous);
  }
  return report;
}

async function* copiesOf(snapshot: MetadataSnapshot): AsyncGenerator<BlobId> {
  for await (const page of snapshot.contents()) {
    for (const { location } of page) if (location.kind === 'blob') yield location.blob;
  }
}

async function neededCopies(snapshot: MetadataSnapshot): Promise<ReadonlySet<BlobId>> {
  const needed = new Set<BlobId>();
  for await (const id of copiesOf(snapshot)) needed.add(id);
  return needed;
}
