// Opens and closes a metadata store again and again until its standard input ends, or as often as it is told, and says
// how often.
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import { PLAIN_RULES } from '#server/metadata/rules.js';

const [directory = '', times = 'Infinity'] = process.argv.slice(2);
process.stdin.resume();
let opened = 0;
while (!process.stdin.readableEnded && opened < Number(times)) {
  const store = await LmdbMetadataStore.open(directory, { durable: false, rules: PLAIN_RULES });
  await store.close();
  opened++;
  // Without a turn of the event loop the end of the input would not be seen.
  await new Promise(setImmediate);
}
process.stdout.write(String(opened));
process.stdin.destroy();
