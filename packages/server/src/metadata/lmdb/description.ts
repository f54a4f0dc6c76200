import { readSync } from 'node:fs';

/** What one of the two pages says with which LMDB describes an environment. */
export interface Description {
  readonly pageBytes: number;
  /** Number of the last page that is in use, or was. */
  readonly lastPage: number;
  readonly transaction: bigint;
  /** The tree that lists the free pages; its root is missing while it is empty. */
  readonly freeList: { readonly root: number | undefined; readonly entries: number };
}

/** Where the first two pages of LMDB, which describe the environment, have their magic number. */
const MAGIC = Buffer.from('dec0efbe', 'hex');
const MAGIC_OFFSET = 24;

/** Where such a page says how long the file is: `MDB_meta` of the LMDB that lmdb 3.5.6 brings, on 64 bits. */
const PAGE_SIZE_OFFSET = 48;
const FREE_ENTRIES_OFFSET = 80;
const FREE_ROOT_OFFSET = 88;
const LAST_PAGE_OFFSET = 144;
const TRANSACTION_OFFSET = 152;
const DESCRIPTION_BYTES = 160;

/** What stands for no page. */
const NO_PAGE = 2n ** 64n - 1n;

/** The description of a data file that was written last; `undefined` when one of the two is damaged. */
export function newestDescription(fd: number): Description | undefined {
  const first = descriptionAt(fd, 0);
  const second = first && descriptionAt(fd, first.pageBytes);
  if (!first || !second) return undefined;
  return second.transaction > first.transaction ? second : first;
}

function descriptionAt(fd: number, position: number): Description | undefined {
  const bytes = Buffer.alloc(DESCRIPTION_BYTES);
  readSync(fd, bytes, 0, bytes.length, position);
  const magic = bytes.subarray(MAGIC_OFFSET, MAGIC_OFFSET + MAGIC.length);
  const pageBytes = bytes.readUInt32LE(PAGE_SIZE_OFFSET);
  if (!magic.equals(MAGIC) || pageBytes === 0) return undefined;
  const root = bytes.readBigUInt64LE(FREE_ROOT_OFFSET);
  return {
    pageBytes,
    lastPage: Number(bytes.readBigUInt64LE(LAST_PAGE_OFFSET)),
    transaction: bytes.readBigUInt64LE(TRANSACTION_OFFSET),
    freeList: {
      root: root === NO_PAGE ? undefined : Number(root),
      entries: Number(bytes.readBigUInt64LE(FREE_ENTRIES_OFFSET)),
    },
  };
}
