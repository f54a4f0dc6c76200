// Checks that imports only point down the package graph, and that HTTP and storage stay apart.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** For each package, the other packages that it may import. */
const allowed = {
  protocol: [],
  'durable-fs': ['protocol'],
  server: ['protocol', 'durable-fs'],
  client: ['protocol', 'durable-fs'],
  catalog: ['protocol', 'durable-fs'],
  cli: ['protocol', 'durable-fs', 'server', 'client', 'catalog'],
};

/** Folders of one package that must not import from another folder of it. */
const apart = [
  { from: 'server/src/http', not: /\.\.\/(metadata|blobs)\// },
  { from: 'server/src/metadata', not: /\.\.\/(http|blobs\/(?!blob-store\.js)|store|codec)/ },
  { from: 'server/src/blobs', not: /\.\.\/(http|metadata|store)\// },
  { from: 'server/src/codec', not: /\.\.\/(http|metadata|blobs|store)\// },
  { from: 'server/src/store', not: /\.\.\/(\.\.\/)?http\// },
  { from: 'catalog/src/linux', not: /\.\.\/(crawl|diff|database|scan)\// },
  { from: 'catalog/src/crawl', not: /\.\.\/(diff|database|scan)\// },
  { from: 'catalog/src/diff', not: /\.\.\/(crawl|database|scan)\// },
  { from: 'catalog/src/database', not: /\.\.\/(crawl|linux|scan)\/|^kysely$/ },
  { from: 'catalog/src/report', not: /^kysely$/ },
];

const sources = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));

const problems = [];
for (const [name, may] of Object.entries(allowed)) {
  for (const file of sources(join(root, 'packages', name, 'src'))) {
    const path = relative(join(root, 'packages'), file);
    for (const [, target] of readFileSync(file, 'utf8').matchAll(/\bfrom '([^']+)'/g)) {
      const other = /^@filetracker\/([\w-]+)/.exec(target)?.[1];
      if (other && !may.includes(other)) problems.push(`${path}: ${name} must not import ${target}`);
      for (const rule of apart) {
        if (path.startsWith(`${rule.from}/`) && rule.not.test(target))
          problems.push(`${path}: must not import ${target}`);
      }
    }
  }
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
