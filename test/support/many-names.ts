import { join } from 'node:path';
import type { FileName } from '@filetracker/protocol';
import { openRoot, openTable } from '#server/metadata/lmdb/open-root.js';
import {
  decodeContent,
  decodeFile,
  encodeContent,
  encodeFile,
  fileKey,
} from '#server/metadata/lmdb/records.js';
import { ChangeRecorder, Table } from '#server/metadata/lmdb/table.js';
import { TABLE_IDS } from '#server/metadata/lmdb/tables.js';
import { Sums } from '#server/metadata/lmdb/totals.js';
import { putFile } from './file-requests.js';
import { startServer } from './server-process.js';

const PER_DIRECTORY = 1000;
const BATCH = 100_000;

const digits = (n: number) => String(n).padStart(7, '0');

/** The directory of the name with a number, and the name itself: a thousand lie in each directory. */
export function numberedName(n: number): {
  readonly directory: string;
  readonly file: string;
  readonly name: FileName;
} {
  const directory = `dir-${digits(Math.floor(n / PER_DIRECTORY))}`;
  const file = `file-${digits(n)}`;
  return { directory, file, name: `${directory}/${file}` as FileName };
}

/** Makes a store of many names, all of one content. They go into the metadata past the server: a million take 5 s. */
export async function makeManyNames(directory: string, count: number): Promise<void> {
  const { name } = numberedName(0);
  const server = await startServer(directory);
  await putFile(server.port, { name, version: 1_700_000_000, content: Buffer.from('content') });
  await server.end();
  const root = openRoot(join(directory, 'metadata'), { durable: false });
  const files = openTable(root, 'files');
  const contents = openTable(root, 'contents');
  const meta = openTable(root, 'meta');
  const first = decodeFile(name, files.get(fileKey(name)) ?? Buffer.alloc(0));
  for (let start = 1; start < count; start += BATCH) {
    root.transactionSync(() => {
      for (let n = start; n < Math.min(count, start + BATCH); n++) {
        files.putSync(fileKey(numberedName(n).name), encodeFile(first));
      }
    });
  }
  root.transactionSync(() => {
    for (const { key, value } of contents.getRange({})) {
      contents.putSync(key, encodeContent({ ...decodeContent(value), references: count }));
    }
    const totals = new Sums(new Table(meta, TABLE_IDS.meta, new ChangeRecorder()));
    totals.files = count;
    totals.logicalBytes = count * first.size;
    totals.save();
  });
  await root.close();
}
