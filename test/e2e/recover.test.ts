import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { recoverCommand } from '#cli/commands/recover.js';
import { Output } from '#cli/output/output.js';
import { collect } from '../support/collect.js';
import { openMetadata } from '../support/environment-rows.js';
import { filetracker } from '../support/filetracker-process.js';
import { contentsOf, type Expected } from '../support/filled-store.js';
import { Load } from '../support/load.js';
import { flipBit, recover, STORE_PATIENCE, storeTemplate } from '../support/recovery.js';
import { rounds } from '../support/rounds.js';
import { startForTest } from '../support/server-command.js';
import { blobFiles, storeFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const store = storeTemplate();
vi.setConfig({ testTimeout: STORE_PATIENCE });

/** The names whose content is among the copies. */
function namesOf(copies: readonly string[]): string[] {
  const digests = new Set(copies.map((path) => /[0-9a-f]{64}/.exec(path)?.[0]));
  return [...store.expected].filter(([, { digest }]) => digests.has(digest)).map(([name]) => name);
}

function without(names: readonly string[]): Expected {
  return new Map([...store.expected].filter(([name]) => !names.includes(name)));
}

/** Every hundredth of some files, and two at least. */
function onePerCent(files: readonly string[]): string[] {
  const step = Math.max(1, Math.min(100, Math.floor(files.length / 2)));
  return files.filter((_, index) => index % step === 0);
}

describe('filetracker-recover', () => {
  it('finds nothing wrong with a store that is whole, and changes nothing', async () => {
    const directory = store.copy();
    const whole = { files: store.expected.size, keptVersions: 0, contents: expect.any(Number) as number };
    for (const flags of [[], ['--full'], ['--full', '--dry-run'], ['--online', '--full']]) {
      const found = await recover(directory, ...flags);
      expect(found).toMatchObject({ code: 0, lost: [], stderr: '', summary: { whole } });
    }
    expect(await contentsOf(directory)).toEqual(store.expected);
    const { stdout } = await filetracker([directory], { cwd: directory, program: 'filetracker-recover' });
    expect(stdout).toMatch(/^nothing is wrong; whole: [\d,]+ files with [\d,]+ contents of [\d.]+ [MG]iB\n$/);
  });

  it('refuses a store that a server holds, but for looking, and what is no store', async () => {
    const directory = store.copy();
    await startForTest(directory);
    const refused = await recover(directory);
    expect(refused).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/store_unavailable.*stop its servers/) as string,
    });
    expect(await recover(directory, '--online', '--full')).toMatchObject({ code: 0, lost: [] });
    expect(await recover(temporaryDirectory())).toMatchObject({ code: 3 });
    expect(await recover(directory, '--online', '--rebuild')).toMatchObject({ code: 3 });
  });

  it.each([
    ['names are counted', ['-v'], 'contents'],
    ['contents are looked at, beside a server', ['-v', '--online', '--full'], 'contents'],
    ['the metadata is built anew', ['-v', '--rebuild'], ''],
  ])('ends soon after Ctrl-C while %s, and is run again', async (_, flags, step) => {
    const directory = store.copy();
    const interrupt = new AbortController();
    const stderr = new PassThrough({ encoding: 'utf8' });
    const told: string[] = [];
    stderr.on('data', (text: string) => told.push(text));
    const output = new Output(new PassThrough(), stderr);
    vi.spyOn(output, 'detail').mockImplementation((message) => {
      if (message === `looking at ${step}`) interrupt.abort();
    });
    if (step === '') interrupt.abort();
    const command = recoverCommand({ output, signal: interrupt.signal });
    await expect(command.parseAsync([...flags, directory], { from: 'user' })).rejects.toThrow(/aborted/);
    expect(told).toEqual(['broken off; run it again\n']);
    expect(await recover(directory, '--full')).toMatchObject({ code: 0, lost: [] });
    expect(await contentsOf(directory)).toEqual(store.expected);
  });

  it('removes what no name needs: stray copies, left uploads', async () => {
    const directory = store.copy();
    const [copy = ''] = blobFiles(directory);
    copyFileSync(join(directory, copy), join(directory, copy.replace(/-\w{16}/, '-0123456789abcdef')));
    const before = blobFiles(directory);
    expect(await recover(directory, '--dry-run')).toMatchObject({ code: 1, summary: { strayCopies: 1 } });
    expect(blobFiles(directory)).toEqual(before);
    expect(await recover(directory)).toMatchObject({
      code: 1,
      summary: { strayCopies: 1, wrongTotals: false },
    });
    expect(blobFiles(directory)).toEqual(before.filter((path) => !path.includes('0123456789abcdef')));
    expect(await recover(directory)).toMatchObject({ code: 0 });
  });

  it('takes a sound stray copy in the place of a lost one', async () => {
    const directory = store.copy();
    const [copy = ''] = blobFiles(directory);
    const path = join(directory, copy);
    copyFileSync(path, join(directory, copy.replace(/-\w{16}/, '-0123456789abcdef')));
    flipBit(path);
    expect(await recover(directory, '--full')).toMatchObject({
      code: 1,
      lost: [],
      summary: { rescuedContents: 1 },
    });
    expect(await contentsOf(directory)).toEqual(store.expected);
  });

  it('tells of 1 % of blobs deleted or with a flipped bit by name, keeps these aside, and loses nothing else', async () => {
    const directory = store.copy();
    const chosen = onePerCent(blobFiles(directory));
    const deleted = chosen.filter((_, index) => index % 2 === 0);
    const flipped = chosen.filter((_, index) => index % 2 === 1);
    for (const path of deleted) rmSync(join(directory, path));
    for (const path of flipped) flipBit(join(directory, path));

    const untouched = storeFiles(join(directory, 'blobs'));
    const looked = await recover(directory, '--full', '--dry-run');
    expect(looked).toMatchObject({ code: 2 });
    expect(storeFiles(join(directory, 'blobs'))).toEqual(untouched);
    const online = await recover(directory, '--full', '--online');
    expect(online.lost.map(({ name }) => name).sort()).toEqual(looked.lost.map(({ name }) => name).sort());

    const found = await recover(directory, '--full');
    expect(found.code).toBe(2);
    expect(found.lost.map(({ name }) => name).sort()).toEqual(namesOf(chosen).sort());
    expect(found.summary).toMatchObject({ missingContents: deleted.length, damagedContents: flipped.length });
    expect(readdirSync(join(directory, 'quarantine')).sort()).toEqual(
      flipped.map((path) => basename(path)).sort(),
    );
    const { whole } = found.summary;
    expect(looked.summary).toMatchObject({ whole });
    expect(online.summary).toMatchObject({ whole });
    expect(await contentsOf(directory)).toEqual(without(namesOf(chosen)));
    expect(await recover(directory, '--full')).toMatchObject({ code: 0, summary: { whole } });
  });

  it('beside a server, sees wrong counts and totals, and no others while counts change', async () => {
    const directory = store.copy();
    const server = await startForTest(directory);
    const load = new Load();
    const stop = new AbortController();
    const running = load.run(server, { clients: 4, stop: stop.signal });
    for (let round = 0; round < rounds(3); round++) {
      expect(await recover(directory, '--online', '--full')).toMatchObject({ code: 0, lost: [] });
    }
    stop.abort();
    await running;
    expect(load.acknowledged).toBeGreaterThan(0);
    await server.end();

    const metadata = await openMetadata(directory);
    const audit = metadata.audit();
    const [[content] = []] = await collect(audit.contents({}));
    if (!content) throw new Error('the store has no content');
    await audit.repair([
      { kind: 'record-content', content: { ...content, references: content.references + 1 } },
    ]);
    await audit.recount({ ...(await audit.totals()), files: 7 });
    await metadata.close();

    const other = await startForTest(directory);
    const found = { code: 1, lost: [], summary: { wrongCounts: 1, wrongTotals: true } };
    expect(await recover(directory, '--online')).toMatchObject(found);
    await other.end();
    expect(await recover(directory)).toMatchObject({ code: 1, lost: [], summary: { wrongCounts: 1 } });
    expect(await recover(directory)).toMatchObject({ code: 0 });
  });
});
