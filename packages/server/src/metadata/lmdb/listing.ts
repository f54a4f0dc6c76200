import type { DirectoryName, FileName, Version } from '@filetracker/protocol';
import type { DirectoryEntry, ListChildrenRequest, ListRequest } from '../listing.js';
import type { FileRecord, KeptVersion, VersionsRequest } from '../metadata-store.js';
import { filesAsOf } from './as-of.js';
import { pastVersions } from './history.js';
import { findNewest, type KeyRange, keysBelow, presentFiles } from './names.js';
import { fileKeyEnd } from './records.js';
import type { Tables } from './tables.js';

/** As `MetadataStore.list`. */
export function listFiles(tables: Tables, request: ListRequest): readonly FileRecord[] {
  const { directory, after, limit, asOf } = request;
  const range = keysBelow(directory, after && fileKeyEnd(after));
  return [...take(filesOf(tables, range, asOf), limit)];
}

/** As `MetadataStore.listChildren`. */
export function listChildren(tables: Tables, request: ListChildrenRequest): readonly DirectoryEntry[] {
  return [...take(childrenOf(tables, request), request.limit)];
}

/** As `MetadataStore.versions`. */
export function listVersions({ files, history }: Tables, request: VersionsRequest): readonly KeptVersion[] {
  const { name, before, limit } = request;
  const newest = findNewest(files, name);
  const past: readonly KeptVersion[] = pastVersions(history, request);
  if (!newest || (before !== undefined && newest.version >= before)) return past;
  // A file that was put again after its deletion may be older than the deleted one.
  return [...past.filter(({ version }) => version !== newest.version), { ...newest, deletion: undefined }]
    .toSorted((a, b) => b.version - a.version)
    .slice(0, limit);
}

function* childrenOf(
  tables: Tables,
  { directory, after, asOf }: ListChildrenRequest,
): Generator<DirectoryEntry> {
  let start = after && (after.kind === 'file' ? fileKeyEnd(after.name) : keysBelow(after.name).end);
  for (let more = true; more; ) {
    more = false;
    for (const file of filesOf(tables, keysBelow(directory, start), asOf)) {
      const child = childDirectory(directory, file.name);
      if (child === undefined) yield { kind: 'file', ...file };
      else {
        yield { kind: 'directory', name: child };
        // Seek over all that lies in it.
        start = keysBelow(child).end;
        more = true;
        break;
      }
    }
  }
}

/** The direct child of `directory` in which a file lies; `undefined` when the file is a child itself. */
function childDirectory(directory: DirectoryName, name: FileName): FileName | undefined {
  const slash = name.indexOf('/', directory === '' ? 0 : directory.length + 1);
  return slash < 0 ? undefined : (name.slice(0, slash) as FileName);
}

function filesOf(tables: Tables, range: KeyRange, asOf: Version | undefined): Generator<FileRecord> {
  return asOf === undefined ? presentFiles(tables.files, range) : filesAsOf(tables, range, asOf);
}

function* take<T>(items: Iterable<T>, limit: number): Generator<T> {
  if (limit <= 0) return;
  let taken = 0;
  for (const item of items) {
    yield item;
    if (++taken === limit) return;
  }
}
