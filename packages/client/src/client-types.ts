import type { Readable } from 'node:stream';
import type { Version } from '@filetracker/protocol';
import type { CallOptions, PutOptions } from './data-store.js';
import type { LookupOptions } from './read-through-cache.js';

/** Options of `FileTrackerClient.getFile`. */
export interface GetFileOptions extends LookupOptions {
  /** False leaves the cache as it is. Default true. */
  readonly addToCache?: boolean;
}

/** Options of `FileTrackerClient.getStream`. */
export interface GetStreamOptions extends LookupOptions {
  /** Fetch the file into the cache first and stream it from there. Default false. */
  readonly serveFromCache?: boolean;
}

/** Options of `FileTrackerClient.putFile`. */
export interface PutFileOptions extends PutOptions {
  /** False does not cache the file; without a server the flag is ignored. Default true. */
  readonly toLocalStore?: boolean;
  /** False keeps the file from the server; without a local store the flag is ignored. Default true. */
  readonly toRemoteStore?: boolean;
}

/** Options of `FileTrackerClient.listFiles`. */
export interface ListOptions extends CallOptions {
  /** Only files with this version or an older one: a date, or seconds since 1970. Default: all. */
  readonly cutoff?: Date | number;
  /** The files as they were then: a date, or seconds since 1970. Only servers that keep history know. */
  readonly asOf?: Date | number;
  /** The directory to list. Default: the root. */
  readonly directory?: string;
}

/** Options of `FileTrackerClient.listRemoteFiles`. */
export interface ListRemoteOptions extends ListOptions {
  /** Names from the root, with a leading slash, instead of relative to the directory. Default false. */
  readonly absolutePaths?: boolean;
}

/** A file's content with the versioned name that it belongs to. */
export interface FileStream {
  readonly name: string;
  /** Length of the content in bytes. */
  readonly size: number;
  /** Read it to its end or destroy it. It fails where what came is not what was announced. */
  readonly stream: Readable;
}

/** A file in the local store. */
export interface LocalFile {
  /** The versioned name. */
  readonly name: string;
  readonly version: Version;
  /** In bytes. */
  readonly size: number;
}
