/**
 * The list of free pages that LMDB keeps in an environment, as the LMDB does that lmdb 3.5.6 brings, on 64 bits and
 * little-endian. LMDB itself reads it only where a transaction needs pages, and damage then ends the process.
 *
 *     page         number : 8   transaction : 8   unused : 2   kind : 2   bytes of the offsets : 2   unused : 2   offsets
 *     offsets      2 each, of the nodes of the page, from the end of its header
 *     node         of a branch: page below : 6   key length : 2   key
 *                  of a leaf: length : 4   where : 2   key length : 2   key   data, or where it is too long, its page : 8
 *     data         of a transaction that freed pages: count : 8   so many numbers : 8 each
 *     number       of a free page; or the length of a run of them, negated, and the number of the first behind it; or 0:
 *                  room for more
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { type Description, newestDescription } from './description.js';

const HEADER_BYTES = 24;
const KIND_OFFSET = 18;
const OFFSETS_BYTES_OFFSET = 20;
const BRANCH = 1;
const LEAF = 2;
const OVERFLOW = 4;

const NODE_HEADER_BYTES = 8;
const ON_PAGES_OF_ITS_OWN = 1;

/**
 * Reads the whole list in a data file, which takes under a millisecond as a rule, and some tenths of a second after a
 * hundred thousand transactions beside one long reader. Throws where it is damaged. Its pages must not be used for
 * anything else meanwhile.
 */
export function readFreeList(dataFile: string): void {
  const fd = openSync(dataFile, 'r');
  try {
    const description = newestDescription(fd);
    if (!description) throw new Error('the description is damaged');
    const { root, entries } = description.freeList;
    const found = root === undefined ? 0 : new FreeList(fd, description).entriesBelow(root);
    if (found !== entries) throw new Error(`the free list has ${found} entries instead of ${entries}`);
  } finally {
    closeSync(fd);
  }
}

class FreeList {
  constructor(
    private readonly fd: number,
    private readonly environment: Description,
  ) {}

  entriesBelow(number: number): number {
    const page = this.#page(number, this.environment.pageBytes);
    const kind = page.readUInt16LE(KIND_OFFSET);
    let entries = 0;
    for (const node of nodesOf(page)) {
      if (kind === BRANCH) entries += this.entriesBelow(node.readUIntLE(0, 6));
      else if (kind === LEAF) {
        this.#checkNumbers(this.#dataOf(node));
        entries++;
      } else throw damaged(number);
    }
    return entries;
  }

  #dataOf(node: Buffer): Buffer {
    const length = node.readUInt32LE(0);
    const begin = NODE_HEADER_BYTES + node.readUInt16LE(6);
    if (node.readUInt16LE(4) !== ON_PAGES_OF_ITS_OWN) return node.subarray(begin, begin + length);
    const number = Number(node.readBigUInt64LE(begin));
    const pages = this.#page(number, HEADER_BYTES + length);
    if (pages.readUInt16LE(KIND_OFFSET) !== OVERFLOW) throw damaged(number);
    return pages.subarray(HEADER_BYTES);
  }

  #checkNumbers(data: Buffer): void {
    const count = numberAt(data, 0);
    let isSound = count >= 0;
    for (let index = 1; isSound && index <= count; index++) {
      isSound = Math.abs(numberAt(data, index * 8)) <= this.environment.lastPage;
    }
    if (!isSound) throw new Error('the free list has numbers of no pages');
  }

  #page(number: number, length: number): Buffer {
    if (number > this.environment.lastPage) throw damaged(number);
    const page = Buffer.alloc(length);
    readSync(this.fd, page, 0, length, number * this.environment.pageBytes);
    if (page.readBigUInt64LE(0) !== BigInt(number)) throw damaged(number);
    return page;
  }
}

/** The nodes of a page, each up to the end of the page. */
function nodesOf(page: Buffer): readonly Buffer[] {
  const count = page.readUInt16LE(OFFSETS_BYTES_OFFSET) / 2;
  return Array.from({ length: count }, (_, index) =>
    page.subarray(HEADER_BYTES + page.readUInt16LE(HEADER_BYTES + index * 2)),
  );
}

/** A whole number of 8 bytes. There may be millions of them, and reading a `bigint` takes ten times as long. */
function numberAt(data: Buffer, offset: number): number {
  return data.readInt32LE(offset + 4) * 2 ** 32 + data.readUInt32LE(offset);
}

function damaged(number: number): Error {
  return new Error(`page ${number} of the free list is damaged`);
}
