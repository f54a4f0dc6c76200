// Makes single files of what takes longer to load than to run, in the place of what the compiler made of them.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { loadedBeforeDemand } from './loaded-before-demand.mjs';

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
  // The programs of the command line, with what their commands load on demand beside them.
  ...['', '-cache-cleaner', '-export', '-migrate', '-recover'].map((name) =>
    whole('cli', `bin/filetracker${name}`),
  ),
  // What they start: a process, and threads.
  whole('server', 'metadata/lmdb/read-all'),
  whole('cli', 'migrate/inspect-worker'),
  whole('cli', 'migrate/tree-worker'),
  whole('catalog', 'watch/source-worker'),
  whole('catalog', 'fingerprint/worker'),
];

/** A module with all that it imports but for what loads machine code, or other files by their place. */
function whole(name, module) {
  const external = ['lmdb', 'piscina', 'zstd-napi/binding.js', 'pg-native', 'bindings'];
  return { package: name, module, isWhole: true, external };
}

/**
 * Packages of the workspace stay outside: what they export must be the same for everybody in a process. A program that
 * is whole is everybody in its process, threads apart, and takes them in.
 */
const OURS = '@filetracker/*';

/** Where the parts of a program go that it loads on demand, or that several parts need. */
const PARTS = 'parts';

/**
 * What the file has beside its modules: `require`, which those in CommonJS call for what stays outside and for those of
 * Node.js, and the URL of a package's main module.
 */
const REQUIRE = `import { createRequire as requireOfBundle } from 'node:module';
import { pathToFileURL as urlOfBundle } from 'node:url';
const require = requireOfBundle(import.meta.url);
const placeOfBundle = (name) => urlOfBundle(require.resolve(name)).href;`;

/** What other packages do as they are loaded although nobody needs it. */
const CHANGED = [
  {
    // Kysely's builders of tables, with which nobody builds any: 5 ms.
    file: /\/kysely\/dist\/esm\/schema\/schema\.js$/,
    change: () => 'export class SchemaModule {}',
  },
  {
    // Its machine code lies beside it.
    file: /\/better-sqlite3-node22\/lib\/binding\.js$/,
    change: (text) =>
      `const __dirname = require('node:path').dirname(requireOfBundle(${placeOf('catalog')}).resolve('better-sqlite3-node22'));\n${text}`,
  },
  {
    // It asks whether it runs in a Cloudflare worker: in Node.js 20 it makes a Response to find out, for which Node.js loads
    // all of fetch, half the time that it takes to start.
    file: /\/pg\/lib\/stream\.js$/,
    change: (text) => `const navigator = { userAgent: 'Node.js' };\n${text}`,
  },
  {
    // It would start subcommands that are programs of their own, of which there are none: 9 ms.
    file: /\/commander\/lib\/command\.js$/,
    change: (text) =>
      text.replace(
        "const childProcess = require('node:child_process');",
        "const childProcess = { get spawn() { return require('node:child_process').spawn; } };",
      ),
  },
];

for (const { package: name, isWhole } of BUNDLES) {
  if (isWhole) rmSync(join(sourceOf(name), '../dist', PARTS), { recursive: true, force: true });
}
await Promise.all(BUNDLES.map(bundle));

async function bundle({ package: name, module, external = [], isWhole = false }) {
  const source = sourceOf(name);
  const target = join(source, '../dist');
  const place = dirname(join(target, module));
  const entry = join(source, `${module}.ts`);
  const options = {
    entryPoints: [entry],
    outdir: target,
    outbase: source,
    absWorkingDir: root,
    bundle: true,
    splitting: isWhole,
    chunkNames: `${PARTS}/[name]-[hash]`,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: isWhole ? external : [OURS, ...external],
    banner: { js: REQUIRE },
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'warning',
  };
  const plugins = [isWhole ? takeOurs(external) : leaveOnDemand(place), changeOthers()];
  const before = isWhole ? await loadedBefore(entry, { ...options, plugins }) : new Map();
  const { metafile, outputFiles } = await build({
    ...options,
    plugins: [...plugins, keepPlaces(name, place, before)],
  });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${text}${licences(Object.keys(metafile.outputs[relative(root, path)].inputs))}`);
  }
}

/**
 * For each module that a program loads on demand, those of our modules that are loaded already whichever way leads there.
 * Where it imports them, too, all that have the same modules around them become one part: without that a command loads
 * three times as many, half a millisecond each.
 */
async function loadedBefore(entry, options) {
  const { metafile } = await build(options);
  const modules = Object.entries(metafile.inputs).map(([module, { imports }]) => [
    join(root, module),
    imports
      .filter(({ external }) => !external)
      .map(({ path, kind }) => ({ path: join(root, path), isOnDemand: kind === 'dynamic-import' })),
  ]);
  const before = loadedBeforeDemand(entry, new Map(modules));
  // The program's own module waits for the program's end.
  const isOurs = (module) => module !== entry && packageOf(module) !== undefined;
  return new Map([...before].map(([module, loaded]) => [module, loaded.filter(isOurs)]));
}

function sourceOf(name) {
  return join(root, 'packages', name, 'src');
}

/** What is loaded on demand stays outside: modules of ours where the compiler put them. */
function leaveOnDemand(place) {
  return {
    name: 'leave-on-demand',
    setup(bundling) {
      bundling.onResolve({ filter: /./ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        return {
          external: true,
          path: path.startsWith('.') ? seenFrom(place, join(resolveDir, path)) : path,
        };
      });
    },
  };
}

/** Packages of the workspace go in. What stays outside is found from the one whose dependency it is. */
function takeOurs(external) {
  return {
    name: 'take-ours',
    setup(bundling) {
      bundling.onResolve({ filter: /^@filetracker\// }, ({ path }) => {
        const [, name, entry] = /^@filetracker\/([^/]+)(.*)$/.exec(path);
        const { exports } = JSON.parse(readFileSync(join(sourceOf(name), '../package.json'), 'utf8'));
        const compiled = exports[`.${entry}`].default;
        return {
          path: join(sourceOf(name), '..', compiled.replace(/^\.\/dist/, 'src').replace(/js$/, 'ts')),
        };
      });
      bundling.onResolve({ filter: /./ }, ({ kind, path, importer }) => {
        const name = packageOf(importer);
        const isMissing = kind === 'require-call' && !isInstalled(path, importer);
        const isOutside = name && (external.includes(path) || isMissing);
        if (!isOutside) return undefined;
        // A part of its own would not export what it does by name. All that we load so is what the programs need, too.
        if (kind === 'dynamic-import') return { path, external: true };
        return { path, namespace: 'outside', pluginData: name };
      });
      bundling.onLoad({ filter: /./, namespace: 'outside' }, ({ path, pluginData: name }) => ({
        contents: `module.exports = requireOfBundle(${placeOf(name)})(${JSON.stringify(path)});`,
      }));
    },
  };
}

/** Whether a package is there that a module asks for: npm leaves out what the present Node.js cannot load. */
function isInstalled(name, importer) {
  try {
    return Boolean(createRequire(importer).resolve(name));
  } catch {
    return false;
  }
}

/** Each of our modules keeps its place: files are named relative to it. It imports what is loaded before it, too. */
function keepPlaces(own, place, before) {
  return {
    name: 'keep-places',
    setup(bundling) {
      bundling.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const name = packageOf(path);
        const dist = join(sourceOf(name), '../dist');
        const [file, from] =
          name === own ? [seenFrom(place, path), 'import.meta.url'] : [seenFrom(dist, path), placeOf(name)];
        const url = `new URL(${JSON.stringify(file.replace(/ts$/, 'js'))}, ${from}).href`;
        const loaded = (before.get(path) ?? []).map((module) => `import ${JSON.stringify(module)};`);
        const text = readFileSync(path, 'utf8').replaceAll('import.meta.url', url);
        return { loader: 'ts', contents: `${loaded.join('')}${text}` };
      });
    },
  };
}

/** Changes the text of other packages, see {@link CHANGED}. */
function changeOthers() {
  return {
    name: 'change-others',
    setup(bundling) {
      for (const { file, change } of CHANGED) {
        bundling.onLoad({ filter: file }, ({ path }) => {
          const text = readFileSync(path, 'utf8');
          const contents = change(text);
          // Another version of the package may read otherwise: better no build than one that starts slowly.
          if (contents === text) throw new Error(`${path} holds nothing of what is to be changed`);
          return { contents };
        });
      }
    },
  };
}

/** What the compiler makes of a source file, named from another folder. */
function seenFrom(place, path) {
  const source = sourceOf(packageOf(path));
  return `./${relative(place, join(source, '../dist', relative(source, path)))}`;
}

/** The package of the workspace that a file is from; of other files, undefined. */
function packageOf(path) {
  return /^packages\/([^/]+)\/src\//.exec(relative(root, path))?.[1];
}

/** Where a package of the workspace is installed: an expression for the URL of its main module. */
function placeOf(name) {
  return `placeOfBundle('@filetracker/${name}')`;
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
