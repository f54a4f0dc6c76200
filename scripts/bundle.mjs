// Makes single files of what takes longer to load than to run, in the place of what the compiler made of them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Modules that become one file with all that they import, and what of it stays outside. */
const BUNDLES = [
  // What is used of Kysely.
  { package: 'catalog', module: 'kysely' },
  // The crawler's thread, of which a crawl starts several.
  { package: 'catalog', module: 'crawl/worker' },
  // The server as a program.
  {
    package: 'server',
    module: 'main',
    external: [
      // They load machine code, or other files by their place.
      'lmdb',
      'pino',
      'zstd-napi',
      // What Fastify loads when it is asked to, and is not.
      '@fastify/ajv-compiler',
      '@fastify/fast-json-stringify-compiler',
      'light-my-request',
    ],
  },
];

/** Packages of the workspace stay outside: what they export must be the same for everybody in a process. */
const OURS = '@filetracker/*';

/** CommonJS modules in the file call it for those of Node.js and for what stays outside. */
const REQUIRE = `import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);`;

await Promise.all(BUNDLES.map(bundle));

async function bundle({ package: name, module, external = [] }) {
  const source = join(root, 'packages', name, 'src');
  const outfile = join(root, 'packages', name, 'dist', `${module}.js`);
  const { metafile, outputFiles } = await build({
    entryPoints: [join(source, `${module}.ts`)],
    outfile,
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: [OURS, ...external],
    plugins: [keepPlaces(source, dirname(outfile))],
    banner: { js: REQUIRE },
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  writeFileSync(outfile, `${outputFiles[0].text}${licences(Object.keys(metafile.inputs))}`);
}

/** What is loaded on demand stays outside, and each of our modules keeps its place: files are named relative to it. */
function keepPlaces(source, place) {
  const compiled = (path) => `./${relative(place, path.replace(source, join(source, '../dist')))}`;
  return {
    name: 'keep-places',
    setup(bundling) {
      bundling.onResolve({ filter: /./ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        return { external: true, path: path.startsWith('.') ? compiled(join(resolveDir, path)) : path };
      });
      bundling.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const url = `new URL(${JSON.stringify(compiled(path).replace(/ts$/, 'js'))}, import.meta.url).href`;
        return { loader: 'ts', contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url) };
      });
    },
  };
}

/** A comment with the licences of the packages that these files are from. */
function licences(files) {
  const folders = files.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]).filter(Boolean);
  const texts = [...new Set(folders)].map((folder) => licence(join(root, folder)));
  return texts.length === 0 ? '' : `/*!\n${texts.join('\n').replaceAll('*/', '* /')}*/\n`;
}

/** The file with a package's licence; who wrote it and under which licence, where it has none. */
function licence(folder) {
  const { name, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(join(folder, file), 'utf8') : `${license}, ${author?.name ?? author}\n`;
  return `${name}\n\n${text}`;
}
