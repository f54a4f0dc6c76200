// Reads every row of the environment in the directory that is given, and ends with 0 if each can be decoded.
import { openRoot, openTable, TABLE_IDS } from './environment.js';
import { decodeContent, decodeFile, decodePast, nameOfKey } from './records.js';

const root = openRoot(process.argv[2] ?? '', { durable: false });
for (const name of Object.keys(TABLE_IDS)) {
  for (const { key, value } of openTable(root, name).getRange({})) {
    if (name === 'files') decodeFile(nameOfKey(key), value);
    else if (name === 'history') decodePast(key, value);
    else if (name === 'contents') decodeContent(value);
  }
}
await root.close();
