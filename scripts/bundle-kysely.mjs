// Makes packages/catalog/dist/kysely.js one file, with what is used of Kysely in it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const catalog = join(dirname(fileURLToPath(import.meta.url)), '../packages/catalog');
const kysely = join(dirname(createRequire(join(catalog, 'package.json')).resolve('kysely')), '../..');

await build({
  entryPoints: [join(catalog, 'src/kysely.ts')],
  outfile: join(catalog, 'dist/kysely.js'),
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  banner: { js: `/*! Kysely\n${readFileSync(join(kysely, 'LICENSE'), 'utf8')}*/` },
  logLevel: 'warning',
});
