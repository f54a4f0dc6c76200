/**
 * A store of ten million names beside one of ten thousand: `node --import tsx bench/store/ten-million-names.ts
 * [COUNT…]`. The names go into the metadata directly, past the server: a thousand in each directory. What is
 * measured then is a real server: its start, and the median of many requests of each kind.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeManyNames, numberedName } from '../../test/support/many-names.js';
import { cpuTime } from '../../test/support/process-figures.js';
import { type ServerProcess, startServer } from '../../test/support/server-process.js';
import { median } from '../support/measure.js';

const DATE = 'last_modified=Tue,+14+Nov+2023+22:13:20+-0000';
const REQUESTS = 300;
const STARTS = 5;

/** A running server and how many names its store has. */
interface Subject {
  readonly server: ServerProcess;
  readonly count: number;
}

/** One request for each kind of work; `n` counts them. */
const WORK: Readonly<Record<string, (subject: Subject, n: number) => Promise<Response>>> = {
  GET: ({ server, count }, n) => fetch(`${server.url}/files/${numberedName((n * 7919) % count).name}`),
  'PUT of a new name': ({ server }, n) => put(server, `new/${n}`),
  'PUT of a name that is there': ({ server, count }, n) => put(server, numberedName((n * 7919) % count).name),
  'list: a page of 100 names': ({ server, count }, n) =>
    list(server, `${middleOf(count)}?limit=100&after=${numberedName(count / 2 + (n % 500)).file}`),
  'list: a directory of 1,000 names': ({ server, count }) => list(server, middleOf(count)),
  'list: 10 directories of the root': ({ server }) => list(server, '?limit=10&recursive=false'),
  status: ({ server }) => fetch(`${server.url}/status`),
};

const middleOf = (count: number) => numberedName(count / 2).directory;

function put({ url }: ServerProcess, name: string): Promise<Response> {
  return fetch(`${url}/files/${name}?${DATE}`, { method: 'PUT', body: 'content' });
}

function list({ url }: ServerProcess, target: string): Promise<Response> {
  return fetch(`${url}/list/${target}`, { headers: { Accept: 'application/x-ndjson' } });
}

/** The middle time of many requests to each server, in milliseconds. They take turns, so that the machine is alike. */
async function timesOf(
  work: (subject: Subject, n: number) => Promise<Response>,
  subjects: readonly Subject[],
) {
  const times = subjects.map((): number[] => []);
  for (let n = 0; n < REQUESTS; n++) {
    for (const [index, subject] of subjects.entries()) {
      const started = performance.now();
      const reply = await work(subject, n);
      await reply.arrayBuffer();
      if (!reply.ok) throw new Error(`status ${reply.status}`);
      times[index]?.push(performance.now() - started);
    }
  }
  return times.map(median);
}

/** The middle times of several starts of each store until it listens, and their CPU time, in milliseconds. */
async function startsOf(directories: readonly string[]) {
  const times = directories.map((): number[] => []);
  const cpu = directories.map((): number[] => []);
  for (let n = 0; n < STARTS; n++) {
    for (const [index, directory] of directories.entries()) {
      const server = await startServer(directory);
      times[index]?.push(server.startTime);
      cpu[index]?.push(cpuTime(server.child.pid ?? 0));
      await server.end();
    }
  }
  return { times: times.map(median), cpu: cpu.map(median) };
}

function printRow(work: string, figures: readonly number[]): void {
  const ratio = (figures.at(-1) ?? 0) / (figures[0] ?? 0);
  console.log(`| ${work} | ${figures.map((ms) => ms.toPrecision(3)).join(' | ')} | ${ratio.toFixed(2)}× |`);
}

const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10_000, 10_000_000];
const root = mkdtempSync(join(tmpdir(), 'filetracker-bench-'));
try {
  const directories = counts.map((count) => join(root, String(count)));
  for (const [index, directory] of directories.entries()) await makeManyNames(directory, counts[index] ?? 0);
  console.log(`| median, ms | ${counts.map((count) => count.toLocaleString('en')).join(' | ')} | ratio |`);
  console.log(`|---|${counts.map(() => '---|').join('')}---|`);
  const { times, cpu } = await startsOf(directories);
  printRow('start until it listens', times);
  printRow('CPU time of the start', cpu);
  const subjects: Subject[] = [];
  for (const [index, directory] of directories.entries()) {
    subjects.push({ server: await startServer(directory), count: counts[index] ?? 0 });
  }
  for (const [name, work] of Object.entries(WORK)) printRow(name, await timesOf(work, subjects));
  for (const { server } of subjects) await server.end();
} finally {
  rmSync(root, { recursive: true, force: true });
}
