import { createRequire } from 'node:module';
import type Driver from 'better-sqlite3';

/** Node-API of Node.js 22.14 and 23.6. */
const NODE_API_OF_13 = 10;

const require = createRequire(import.meta.url);

/**
 * better-sqlite3: 13 where Node.js can load it, 12 otherwise. 13 needs a Node-API that Node.js 20 lacks, and 12 ends
 * processes of Node.js 24.19 and later as soon as one of its objects is collected as garbage in an idle moment
 * (`RemoveEnvironmentCleanupHook`, "Assertion failed: (env) != nullptr").
 */
export const Sqlite = (
  Number(process.versions['napi']) >= NODE_API_OF_13
    ? require('better-sqlite3-node22')
    : require('better-sqlite3')
) as typeof Driver;
