import { createRequire } from 'node:module';
import { systemCode } from '@filetracker/durable-fs/system-code';
import type Driver from 'better-sqlite3';

/** Node-API of Node.js 22.14 and 23.6. */
const NODE_API_OF_13 = 10;

const require = createRequire(import.meta.url);

/**
 * better-sqlite3: 13 where Node.js can load it, 12 otherwise. 13 needs a Node-API that Node.js 20 lacks, and 12 ends
 * processes of Node.js 24.19 and later as soon as one of its objects is collected as garbage in an idle moment
 * (`RemoveEnvironmentCleanupHook`, "Assertion failed: (env) != nullptr").
 */
export const Sqlite: typeof Driver = load(
  Number(process.versions['napi']) >= NODE_API_OF_13 ? 'better-sqlite3-node22' : 'better-sqlite3',
);

/** npm leaves out the one that the Node.js which installs could not load: it is missing when Node.js was replaced. */
function load(name: string): typeof Driver {
  let driver: typeof Driver;
  try {
    driver = require(name) as typeof Driver;
  } catch (cause) {
    if (systemCode(cause) !== 'MODULE_NOT_FOUND') throw cause;
    throw new Error(
      `no driver of SQLite for Node.js ${process.version} is installed: install Filetracker again with this version`,
      { cause },
    );
  }
  const nativeBinding = compiled(name);
  return nativeBinding === undefined ? driver : knowing(driver, nativeBinding);
}

/** The machine code that 12 was installed with; undefined where it lies elsewhere. */
function compiled(name: string): string | undefined {
  try {
    return require.resolve(`${name}/build/Release/better_sqlite3.node`);
  } catch {
    // 13 finds its own without searching.
    return undefined;
  }
}

/** The driver, which need not search for its machine code: that takes 4 ms of each process that uses it. */
function knowing(driver: typeof Driver, nativeBinding: string): typeof Driver {
  return class extends driver {
    constructor(file?: string | Buffer, options?: Driver.Options) {
      super(file, { nativeBinding, ...options });
    }
  } as typeof Driver;
}
