import { createRequire } from 'node:module';
import { systemCode } from '@filetracker/durable-fs/system-code';
import type Driver from 'better-sqlite3';
import { load12, load13 } from './load-driver.cjs';

/** Node-API of Node.js 22.14 and 23.6. */
const NODE_API_OF_13 = 10;

/**
 * better-sqlite3: 13 where Node.js can load it, 12 otherwise. 13 needs a Node-API that Node.js 20 lacks, and 12 ends
 * processes of Node.js 24.19 and later as soon as one of its objects is collected as garbage in an idle moment
 * (`RemoveEnvironmentCleanupHook`, "Assertion failed: (env) != nullptr").
 */
export const Sqlite: typeof Driver = load();

/** npm leaves out the one that the Node.js which installs could not load: it is missing when Node.js was replaced. */
function load(): typeof Driver {
  try {
    return Number(process.versions['napi']) >= NODE_API_OF_13 ? load13() : knowing12();
  } catch (cause) {
    if (systemCode(cause) !== 'MODULE_NOT_FOUND') throw cause;
    throw new Error(
      `no driver of SQLite for Node.js ${process.version} is installed: install Filetracker again with this version`,
      { cause },
    );
  }
}

/** 12, which need not search for its machine code where that lies where npm puts it: that takes 4 ms of each process. */
function knowing12(): typeof Driver {
  const installed = createRequire(import.meta.url);
  let nativeBinding: string;
  try {
    nativeBinding = installed.resolve('better-sqlite3/build/Release/better_sqlite3.node');
  } catch {
    return installed('better-sqlite3') as typeof Driver;
  }
  return class extends load12() {
    constructor(file?: string | Buffer, options?: Driver.Options) {
      super(file, { nativeBinding, ...options });
    }
  } as typeof Driver;
}
