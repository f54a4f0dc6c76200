// Makes single files of what takes longer to load than to run, as modules of their own.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const catalog = join(dirname(fileURLToPath(import.meta.url)), '../packages/catalog');
const kysely = join(dirname(createRequire(join(catalog, 'package.json')).resolve('kysely')), '../..');

/** Bundles a module of the catalog with all that it imports, in the place of what the compiler made of it. */
function bundle(name, banner) {
  return build({
    entryPoints: [join(catalog, 'src', `${name}.ts`)],
    outfile: join(catalog, 'dist', `${name}.js`),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    banner: { js: banner },
    logLevel: 'warning',
  });
}

await Promise.all([
  // What is used of Kysely.
  bundle('kysely', `/*! Kysely\n${readFileSync(join(kysely, 'LICENSE'), 'utf8')}*/`),
  // The crawler's thread, of which a crawl starts several.
  bundle('crawl/worker', ''),
]);
