import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMAND, catalogWorkplace, sharedPlace } from '../support/catalog-workplace.js';

const HOSTILE = '</script><script>document.title = "owned"<\\u002fscript> & \'"\n=1|2`*';

/** Python itself: what stands for it on the PATH may be a script that looks for the version, half a second each time. */
const PYTHON = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim();

/** Reads CSV as RFC 4180 has it, in a program that is not ours. */
function readCsv(text: string): Record<string, string>[] {
  const program = 'import csv, json, sys; print(json.dumps(list(csv.DictReader(sys.stdin, strict=True))))';
  const json = execFileSync(PYTHON, ['-c', program], { input: text, encoding: 'utf8' });
  return JSON.parse(json) as Record<string, string>[];
}

/** A tree with two scans: a hostile name appeared, a file grew, one moved. */
function scannedTwice(directory?: string) {
  const place = catalogWorkplace(directory);
  const { root, run } = place;
  mkdirSync(join(root, 'sub'));
  writeFileSync(join(root, 'grows.log'), 'x'.repeat(2048));
  writeFileSync(join(root, 'moves'), 'abc');
  run('scan', root);
  appendFileSync(join(root, 'grows.log'), 'x'.repeat(1024));
  renameSync(join(root, 'moves'), join(root, 'sub/moved'));
  mkdirSync(join(root, HOSTILE.replaceAll('/', '_')));
  writeFileSync(join(root, HOSTILE.replaceAll('/', '_'), 'inside'), '12345');
  run('scan', root);
  return place;
}

/** The same, for tests that change neither tree nor catalog. */
const toRead = sharedPlace(scannedTwice);

const REPORTS: readonly (readonly [string, ...string[]])[] = [
  ['du'],
  ['top'],
  ['top', '--files'],
  ['top', '--growth', '--since', '1h'],
  ['find'],
  ['find', '--newer', '1h'],
  ['changes', '--since', '1h'],
  ['as-of', 'now'],
];

test.each(
  REPORTS.map((report) => ({ report, name: report.join(' ') })),
)('CSV has the rows of --json and names them exactly: $name', ({ report }) => {
  const [command, ...args] = report;
  const { root, run, json } = toRead();
  const rows = readCsv(run(command, ...args, root, '--csv').stdout);
  const paths = rows.map(({ path, pathBase64 }) =>
    pathBase64 ? Buffer.from(pathBase64, 'base64').toString() : path,
  );
  expect(paths.length).toBeGreaterThan(0);
  expect(paths).toEqual(json(command, ...args, root).map(({ path }) => path));
});

test('find --null prints paths as the bytes they are, for xargs -0', () => {
  const { root, run, database } = catalogWorkplace();
  writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9, 0x0a, 0x5c])]), '');
  mkdirSync(join(root, HOSTILE.replaceAll('/', '_')));
  run('scan', root);
  for (const criteria of [[], ['--type', 'f,d']]) {
    const args = [COMMAND, 'find', '-0', ...criteria, root, '--database', database];
    const found = execFileSync(process.execPath, args, { encoding: 'latin1' });
    const onDisk = execFileSync('find', [root, '-print0'], { encoding: 'latin1' });
    expect(found.split('\0').sort()).toEqual(onDisk.split('\0').sort());
  }
  for (const other of ['--json', '--csv', '--long'])
    expect(run('find', '-0', other, root)).toMatchObject({ status: 2, stdout: '' });
});

test('find and verify of a path that is a file are about that file', () => {
  const { root, run, json } = catalogWorkplace();
  mkdirSync(join(root, 'sub'));
  const file = join(root, 'sub', 'one.log');
  writeFileSync(file, 'x'.repeat(2000));
  writeFileSync(`${file}.1`, 'y');
  run('scan', '--fingerprint', 'all', root);
  const matching = [
    [],
    ['--type', 'f'],
    ['--name', '*.log'],
    ['--min-size', '2000', '--user', String(process.getuid?.())],
  ];
  for (const criteria of matching) expect(run('find', ...criteria, file).stdout).toBe(`${file}\n`);
  expect(run('find', '-0', file).stdout).toBe(`${file}\0`);
  expect(json('find', '--max-size', '2000', file)).toMatchObject([{ path: file, size: 2000 }]);
  for (const criteria of [
    ['--type', 'd'],
    ['--name', '*.1'],
    ['--min-size', '2001'],
    ['--older', '1d'],
  ])
    expect(run('find', ...criteria, file)).toMatchObject({ status: 0, stdout: '' });
  expect(run('verify', file).stderr).toMatch(/^1 file intact/);
});

test('rows of text are one line each, whatever the names', () => {
  const { root, run } = toRead();
  for (const args of [['find'], ['du', '-d', '5'], ['top', '--files', '-n', '99'], ['as-of', '0s', '-R']]) {
    const [command = '', ...rest] = args;
    const lines = run(command, ...rest, root)
      .stdout.trimEnd()
      .split('\n');
    expect(lines.every((line) => line.includes(root))).toBe(true);
  }
});

test('the HTML report needs nothing else, and no name in it becomes markup', () => {
  const { place, root, run } = toRead();
  const file = join(place, 'week.html');
  expect(run('report', '--last', '7d', '--html', file, root)).toMatchObject({ status: 0, stderr: '' });
  const html = readFileSync(file, 'utf8');
  expect(html.match(/<script/g)).toHaveLength(html.match(/<\/script>/g)?.length ?? -1);
  expect(html).not.toMatch(/<script>document\.title/);
  expect(html.replaceAll(/<script[^>]*>.*?<\/script>/gs, '')).not.toMatch(/(src|href)=/);
  expect(html).toContain(`default-src 'none'`);
  // Names keep their runs of spaces.
  expect(html).toContain('.path { white-space: pre-wrap;');
  const charts = JSON.parse(/id="charts">(.*?)<\/script>/s.exec(html)?.[1] ?? '') as {
    readonly id: string;
  }[];
  expect(charts.map(({ id }) => id)).toEqual([
    'changes-over-time',
    'growth-over-time',
    'growing-directories',
    'file-types',
  ]);
  expect(run('report', '--markdown', root).stdout).toMatch(/\| renamed \| 1 \| 3 B \|/);
  expect(run('report', root).stdout).toMatch(/Largest new files:\n.*Size.*\n +5 B /);
});

test('a report of a time in which nothing changed says so, in every form, and draws nothing', () => {
  const { place, root, run, json } = toRead();
  const file = join(place, 'empty.html');
  const span = ['--since', '2101-01-01', '--until', '2101-01-03'];
  expect(run('report', ...span, '--html', file, root)).toMatchObject({ status: 0, stderr: '' });
  const html = readFileSync(file, 'utf8');
  expect(html).toContain('Nothing changed.');
  expect(html).not.toMatch(/<script|class="chart"|<table/);
  expect(run('report', ...span, root).stdout).toMatch(
    /\n0 scans in this time, 0 errors\.\nNothing changed\.\n$/,
  );
  expect(run('report', ...span, '--markdown', root).stdout).toMatch(/Nothing changed\.\n$/);
  expect(
    run('report', ...span, '--csv', root)
      .stdout.trimEnd()
      .split('\n'),
  ).toHaveLength(1 + 3);
  expect(json('report', ...span, root)).toMatchObject([{ kinds: { new: { files: 0 } } }]);
});

test('a report of a time before the first scan says since when there is something to tell, and lists no days', () => {
  const { root, run, json } = toRead();
  const span = ['--since', '2001-01-01', '--until', '2001-01-03', root];
  expect(run('report', ...span).stdout).toMatch(
    /\n0 scans in this time, 0 errors\.\nRecorded since 20.*\.\n$/,
  );
  expect(run('report', ...span, '--csv').stdout).toMatch(/^start,.*\n$/);
  expect(json('report', ...span)).toMatchObject([
    { knownSince: json('scans').at(-1)?.['finishedAt'], periods: [] },
  ]);
  const week = run('report', '--last', '7d', root).stdout;
  expect(week).toMatch(/\nRecorded since 20.*\.\n/);
  // Two where midnight came between.
  expect(week.match(/^ {2}\d{4}-\d\d-\d\d .*/gm)?.length).toBeLessThan(3);
});

test('verify ends with 1 where content changed silently, and prune needs --keep', () => {
  const { place, root, run, json } = catalogWorkplace();
  const file = join(root, 'precious');
  writeFileSync(file, 'precious content');
  expect(run('scan', '--fingerprint', 'all', root).stdout).toContain('fingerprints: 1 file read (16 B)');
  expect(run('verify', root)).toMatchObject({ status: 0, stdout: '' });
  execFileSync('touch', ['-r', file, join(place, 'times')]);
  writeFileSync(file, 'precious c0ntent');
  execFileSync('touch', ['-r', join(place, 'times'), file]);
  const verified = run('verify', '--io-limit', '1MiB');
  expect(verified).toMatchObject({ status: 1, stdout: `SILENTLY CHANGED: ${file}\n` });
  expect(json('verify')).toMatchObject([{ path: file, verdict: 'silent' }]);
  expect(run('prune').status).toBe(2);
  expect(run('prune', '--keep', '0s', '--compact').stdout).toBe('0 changes and 0 scans forgotten\n');
});

test.each([
  'changes',
  'du',
  'top',
  'find',
  'history',
  'report',
  'duplicates',
  'verify',
])('a path that was never scanned is told in one line: %s', (command) => {
  const { root, run } = toRead();
  const failed = run(command, `${root}-1`);
  expect(failed).toMatchObject({ status: 1, stdout: '' });
  expect(failed.stderr).toMatch(
    /^filetracker: the catalog knows nothing of .*a tree-1-1: has it been scanned\?\n$/,
  );
});

test('a directory above scanned trees means all of them, where a question can be about several', () => {
  const { place, root, run, json } = toRead();
  expect(json('du', '--depth', '0', place)).toMatchObject([{ path: root, files: 3 }]);
  expect(run('history', place)).toMatchObject({
    status: 1,
    stderr: `filetracker: the catalog knows nothing of ${place}: only trees below it were scanned, such as ${root}\n`,
  });
});

test('scans and prune have rows of CSV, too', () => {
  const { root, run } = scannedTwice();
  expect(readCsv(run('scans', '--csv').stdout)).toMatchObject([
    { id: '2', root, isBaseline: 'false', newFiles: '1', renamedFiles: '1', modifiedBytes: '1024' },
    { id: '1', root, isBaseline: 'true', files: '2' },
  ]);
  expect(readCsv(run('prune', '--keep', '1d', '--csv').stdout)).toEqual([{ changes: '0', runs: '0' }]);
});

const FILE_HEADINGS = 'type,mode,uid,gid,links,device,inode,size,allocated,mtimeNs,ctimeNs';

/** What finds nothing in an empty tree, and its headings. */
const WITHOUT_ROWS: readonly (readonly [headings: string, command: string, ...args: string[]])[] = [
  [
    'sequence,scan,recordedAt,kind,type,path,pathBase64,previousPath,previousPathBase64,' +
      'sizeBefore,sizeAfter,mtimeNsBefore,mtimeNsAfter,changed',
    'changes',
  ],
  ['fingerprint,bytes,wasted,copies,path,pathBase64', 'duplicates'],
  ['by,what,bytes,files', 'explain'],
  [`path,pathBase64,${FILE_HEADINGS},fingerprint`, 'find', '--type', 'f'],
  [
    'sequence,scan,recordedAt,kind,path,pathBase64,previousPath,previousPathBase64,' +
      `changed,sizeBefore,${FILE_HEADINGS}`,
    'history',
  ],
  [
    'id,root,rootBase64,source,startedAt,finishedAt,isBaseline,files,directories,bytes,allocated,' +
      'newFiles,newBytes,modifiedFiles,modifiedBytes,renamedFiles,renamedBytes,removedFiles,removedBytes,' +
      'newDirectories,removedDirectories,errors,unreadableDirectories,metadata,historySince',
    'scans',
    '/nowhere',
  ],
  ['path,pathBase64,bytes,allocated,uid,mtimeNs', 'top', '--files'],
  ['path,pathBase64,bytes,files,changes', 'top', '--growth', '--since', '1h'],
  ['path,pathBase64,verdict,bytes,hasSameCtime', 'verify'],
];

test('CSV has its headings also where no rows follow', () => {
  const { root, run } = catalogWorkplace();
  run('scan', root);
  const printed = WITHOUT_ROWS.map(([, command, ...args]) => {
    const needsPath = command === 'explain' || command === 'history';
    return [command, run(command, ...args, ...(needsPath ? [root] : []), '--csv').stdout];
  });
  expect(printed).toEqual(WITHOUT_ROWS.map(([headings, command]) => [command, `${headings}\n`]));
});

test('a report of a directory counts the scans that looked at it, in whole files', () => {
  const { place, root, run, json } = scannedTwice();
  mkdirSync(join(place, 'other'));
  run('scan', join(place, 'other'));
  const scansOf = (...args: string[]) => json('report', ...args)[0]?.['scans'];
  expect([scansOf(), scansOf(root), scansOf(join(root, 'sub')), scansOf(join(place, 'other'))]).toEqual([
    3, 2, 2, 1,
  ]);
  const file = join(place, 'few.html');
  run('report', '--html', file, root);
  expect(readFileSync(file, 'utf8')).toMatch(/"changes-over-time".*?"minInterval":1/s);
});

test('what finds nothing says why, on stderr', () => {
  const { root, run } = toRead();
  expect(run('duplicates')).toMatchObject({ status: 0, stdout: '' });
  expect(run('verify').stderr).toContain('"filetracker scan --fingerprint all"');
  expect(run('changes', '--scan', '9')).toMatchObject({ status: 1, stdout: '' });
  expect(run('changes', '--scan', '9').stderr).toContain('no scan 9');
  expect(run('history', join(root, 'sub'))).toMatchObject({ status: 0, stdout: '' });
  expect(run('changes', '--scan', '1')).toMatchObject({ status: 0, stdout: '', stderr: '' });
});

test('a path that was not there yet, or is not there any more, is told so', () => {
  const { root, run } = scannedTwice();
  expect(run('as-of', '2000-01-01', root).stderr).toMatch(/does not reach back that far/);
  expect(run('du', '--csv', '--json', root).status).toBe(2);
  rmSync(join(root, 'sub'), { recursive: true });
  run('scan', root);
  expect(run('find', join(root, 'sub'))).toMatchObject({ status: 0, stdout: '' });
  expect(run('history', join(root, 'sub/moved')).stdout).toMatch(/- removed .*\n.*→ renamed .*moves → /);
});
