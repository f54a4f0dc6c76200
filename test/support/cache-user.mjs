// One of several processes that use one cache at the same time: a hundred concurrent calls that put, get,
// stream and delete a few names. Content begins with its own digest, so that a mixture of two is noticed.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { FileTrackerClient } from '@filetracker/client';

const [remoteUrl, cacheDir, scratch] = process.argv.slice(2);
/** @type {string[]} */
const warnings = [];
const client = new FileTrackerClient({ remoteUrl, cacheDir, onWarning: (message) => warnings.push(message) });

function content() {
  const body = randomBytes(1 + Math.floor(Math.random() * 50_000));
  return Buffer.concat([createHash('sha256').update(body).digest(), body]);
}

/** @param {Buffer} bytes */
function check(bytes) {
  const digest = createHash('sha256').update(bytes.subarray(32)).digest();
  if (!digest.equals(bytes.subarray(0, 32))) throw new Error('a mixture of contents was given out');
}

let read = 0;
/** @param {number} index */
async function call(index) {
  const name = `/shared/${index % 5}/file`;
  const kind = index % 4;
  if (kind === 0) return client.putFile(name, content());
  if (index % 25 === 24) return client.deleteFile(name);
  if (kind === 1) {
    const { stream } = await client.getStream(name, { serveFromCache: true });
    check(Buffer.concat(await stream.toArray()));
  } else {
    const file = `${scratch}/${process.pid}-${index}`;
    const got = await client.getFile(name, file);
    check(readFileSync(file));
    if (kind === 3) await client.getFile(got, file).catch(expectGone);
    check(readFileSync(file));
  }
  read++;
}

/**
 * Another process may have deleted or replaced a file between two calls; anything else is a fault.
 * @param {Error & { code?: string }} error
 */
function expectGone(error) {
  if (error.code !== 'not_found' && error.code !== 'version_mismatch') throw error;
}

await Promise.all(Array.from({ length: 100 }, (_, index) => call(index).catch(expectGone)));
await client.close();
process.stdout.write(JSON.stringify({ read, warnings }));
