import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseFileName } from '@filetracker/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { Environment } from '#server/metadata/lmdb/environment.js';
import { METADATA } from '#server/metadata/lmdb/layout.js';
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import { OpeningGate } from '#server/metadata/lmdb/opening-gate.js';
import { PLAIN_RULES } from '#server/metadata/rules.js';
import { auditMetadata } from '../support/metadata-audit.js';
import { rounds } from '../support/rounds.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** Changes that each process makes. */
const STEPS = rounds(1200);

/** How often each process opens and closes. */
const TIMES = rounds(200);

const USER = fileURLToPath(new URL('../support/metadata-user.mjs', import.meta.url));
const OPENER = fileURLToPath(new URL('../support/metadata-opener.mjs', import.meta.url));

/** A store without files, and a directory beside it for the copies that a blob store would keep. */
function emptyPlace() {
  const directory = temporaryDirectory();
  const copies = join(directory, 'copies');
  mkdirSync(copies);
  const metadata = join(directory, 'metadata');
  return { metadata, copies, copied: () => readdirSync(copies).toSorted() };
}

type Place = ReturnType<typeof emptyPlace>;

/** Starts a process that makes so many changes. */
function startUser({ metadata, copies }: Place, changes: number) {
  const child = spawn(process.execPath, [USER, metadata, copies, `${changes}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/**
 * Starts a process that opens and closes the metadata all the time, or so many times. `opened` says how often, once it has
 * ended.
 */
function startOpener({ metadata }: Place, times = Number.POSITIVE_INFINITY) {
  const child = spawn(process.execPath, [OPENER, metadata, `${times}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const opened = text(child.stdout).then(Number);
  return { end: () => void child.stdin.end(), opened };
}

/** Waits for a user's end; how often it has counted up. */
async function countsOf(user: ReturnType<typeof startUser>): Promise<number> {
  const [counted] = await Promise.all([text(user.stdout), once(user, 'exit')]);
  expect(user.exitCode).toBe(0);
  return Number(counted);
}

async function counter({ metadata }: Place): Promise<number | undefined> {
  const store = await LmdbMetadataStore.open(metadata, { durable: false, rules: PLAIN_RULES });
  const found = await store.findFile(parseFileName('counter'));
  await store.close();
  return found?.version;
}

/** The copies that the metadata names, once all of it was found to agree. */
async function audit({ metadata }: Place): Promise<readonly string[]> {
  const environment = await Environment.open(metadata, { durable: false });
  const named = auditMetadata(environment);
  await environment.close();
  return named;
}

it(
  'I4: processes that share a store lose no change and no copy, and leave none behind',
  async () => {
    const place = emptyPlace();
    const users = Array.from({ length: 4 }, () => startUser(place, STEPS));
    const counted = await Promise.all(users.map(countsOf));
    const total = counted.reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThan(0);
    expect(await counter(place)).toBe(total);
    expect(await audit(place)).toEqual(place.copied());
  },
  STEPS * 250,
);

it(
  'I1, I4: no change is lost while another process opens the metadata',
  async () => {
    const place = emptyPlace();
    const opener = startOpener(place);
    const users = [startUser(place, STEPS / 2), startUser(place, STEPS / 2)];
    const counted = await Promise.all(users.map(countsOf));
    opener.end();
    expect(await opener.opened).toBeGreaterThan(10);
    expect(await counter(place)).toBe(counted.reduce((sum, count) => sum + count, 0));
    expect(await audit(place)).toEqual(place.copied());
  },
  STEPS * 250,
);

it('I8: the last process to close the metadata leaves them whole for one that opens them in that moment', async () => {
  const place = emptyPlace();
  const openers = [1, 2, 3].map(() => startOpener(place, TIMES));
  expect(await Promise.all(openers.map(({ opened }) => opened))).toEqual([TIMES, TIMES, TIMES]);
});

it('I4: a process that is killed leaves at most the copies that it was about to store or delete', async () => {
  const place = emptyPlace();
  const victim = startUser(place, Number.POSITIVE_INFINITY);
  const counted = await Promise.all([countsOf(startUser(place, 600)), countsOf(startUser(place, 600))]);
  const killed = once(victim, 'exit');
  victim.kill('SIGKILL');
  await killed;
  // Whoever comes next finishes what it had begun.
  const last = await countsOf(startUser(place, 40));
  expect(await counter(place)).toBeGreaterThanOrEqual(last + (counted[0] ?? 0) + (counted[1] ?? 0));
  const named = await audit(place);
  const copied = place.copied();
  const lost = named.filter((copy) => !copied.includes(copy));
  const left = copied.filter((copy) => !named.includes(copy) && !copy.startsWith(`${victim.pid}-`));
  expect({ lost, left }).toEqual({ lost: [], left: [] });
});

it('I1: changes that wait for a process that opens the metadata are made before it is closed', async () => {
  const { metadata } = emptyPlace();
  const environment = await Environment.open(metadata, { durable: false });
  const { meta } = environment.tables;
  const row = Buffer.from('row');
  const other = new OpeningGate(join(metadata, METADATA));
  onTestFinished(() => other.close());
  const underWay = await other.opening(() => [
    environment.write(() => meta.putSync(row, row)),
    environment.close(),
  ]);
  await Promise.all(underWay);
  const again = await Environment.open(metadata, { durable: false });
  expect(again.tables.meta.get(row)).toEqual(row);
  await again.close();
});
