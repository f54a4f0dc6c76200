// Reads every row of the environment in the directory that is given, and the list of its free pages; ends with 0 if all
// of that can be decoded.
import { join } from 'node:path';
import { isReadOnlyDisk } from '@filetracker/durable-fs';
import { COULD_NOT_READ } from './damage.js';
import { readFreeList } from './free-list.js';
import { DATA_FILE } from './layout.js';
import { openRoot, openTable } from './open-root.js';
import { OpeningGate } from './opening-gate.js';
import { decodeContent, decodeFile, decodePast, nameOfKey } from './records.js';
import { TABLE_IDS } from './tables.js';

const path = process.argv[2] ?? '';

try {
  await readAll();
} catch (error) {
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  // Neither what LMDB finds nor what cannot be decoded.
  if (syscall === undefined) throw error;
  process.stdout.write(JSON.stringify({ code, message }));
  process.exitCode = COULD_NOT_READ;
}

async function readAll(): Promise<void> {
  const frozen = isReadOnlyDisk(path);
  const open = () => {
    const root = openRoot(path, { durable: true, frozen });
    return { root, tables: Object.keys(TABLE_IDS).map((name) => ({ name, table: openTable(root, name) })) };
  };
  // Servers may have it open, too.
  const gate = frozen ? undefined : new OpeningGate(path);
  const { root, tables } = gate ? await gate.opening(open) : open();
  // No page that is in use now, also by the free list, is used for anything else before this ends.
  const transaction = root.useReadTransaction();
  readFreeList(join(path, DATA_FILE));
  transaction.done();
  for (const { name, table } of tables) {
    for (const { key, value } of table.getRange({})) {
      if (name === 'files') decodeFile(nameOfKey(key), value);
      else if (name === 'history') decodePast(key, value);
      else if (name === 'contents') decodeContent(value);
    }
  }
  await (gate ? gate.writing(() => root.close()) : root.close());
}
