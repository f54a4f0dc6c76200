/** Directories of the metadata below a store. */
export const METADATA = 'metadata';
export const JOURNAL = 'journal';
export const CHECKPOINTS = 'checkpoints';

/** File of an LMDB environment with all its tables. */
export const DATA_FILE = 'data.mdb';

/** Its table of readers, which every process maps. */
export const LOCK_FILE = 'lock.mdb';

/** Locked by those who open the environment or write to it: see `OpeningGate`. */
export const OPENING_LOCK = 'opening.lock';
export const OPENING_QUEUE_LOCK = 'opening-queue.lock';
