import type Driver = require('better-sqlite3');

// In CommonJS, where what is not installed fails only when it is asked for, and a build takes in what is.

/** Loads better-sqlite3 12. Throws where npm left it out. */
function load12(): typeof Driver {
  return require('better-sqlite3') as typeof Driver;
}

/** Loads better-sqlite3 13. Throws where npm left it out. */
function load13(): typeof Driver {
  return require('better-sqlite3-node22') as typeof Driver;
}

export = { load12, load13 };
