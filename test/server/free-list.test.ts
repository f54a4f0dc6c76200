import { randomBytes, randomInt } from 'node:crypto';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { readFreeList } from '#server/metadata/lmdb/free-list.js';
import { openRoot, openTable } from '#server/metadata/lmdb/open-root.js';
import { loseFreeList } from '../support/lost-free-list.js';
import { rounds } from '../support/rounds.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const ROUNDS = rounds(20);

vi.setConfig({ testTimeout: 60_000 * ROUNDS });

it('the list of free pages is sound after each transaction, whatever LMDB does with it, until it is damaged', async () => {
  const directory = temporaryDirectory();
  const root = openRoot(directory, { durable: false });
  const table = openTable(root, 'table');
  const dataFile = join(directory, 'data.mdb');
  const change = (some: number, longest: number) => {
    root.transactionSync(() => {
      for (let n = 0; n < some; n++) {
        const key = Buffer.from(String(randomInt(3000)));
        if (randomInt(3) === 0) table.removeSync(key);
        else table.putSync(key, randomBytes(randomInt(longest)));
      }
    });
  };
  change(3000, 1000);
  for (let round = 0; round < ROUNDS; round++) {
    // What a reader may still see is not used again meanwhile: the list grows, also over pages of its own.
    const reader = round % 2 === 0 ? root.useReadTransaction() : undefined;
    for (let n = 0; n < 40; n++) {
      change(1 + randomInt(200), round % 3 === 0 ? 20_000 : 300);
      readFreeList(dataFile);
    }
    reader?.done();
    root.resetReadTxn();
  }

  await root.close();
  loseFreeList(dataFile);
  expect(() => readFreeList(dataFile)).toThrow(/the free list is damaged/);
});
