import type { Attributes } from '../../entry.js';

/** Attribute columns, read with safe integers. */
export interface AttributeRow {
  readonly mode: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly links: bigint;
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: bigint;
  readonly allocated: bigint;
  readonly mtime_ns: bigint;
  readonly ctime_ns: bigint;
  readonly born_ns: bigint | null;
}

/** Attributes from their columns. */
export function attributesFromRow(row: AttributeRow): Attributes {
  return {
    mode: Number(row.mode),
    uid: Number(row.uid),
    gid: Number(row.gid),
    links: Number(row.links),
    device: Number(row.device),
    inode: row.inode,
    size: Number(row.size),
    allocated: Number(row.allocated),
    mtimeNs: row.mtime_ns,
    ctimeNs: row.ctime_ns,
    bornNs: row.born_ns,
  };
}
