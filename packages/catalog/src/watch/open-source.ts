import { readFileSync } from 'node:fs';
import type { BytePath } from '../byte-path.js';
import {
  type Backend,
  BackendUnavailableError,
  type EventSource,
  type HintSink,
  type SourceOptions,
} from './event-source.js';
import { mountsAround } from './mount-table.js';
import { openPollSource } from './poll.js';
import { openWorkerSource } from './worker-source.js';

/** Which way to take: `auto` takes the best that works. */
export type BackendChoice = Backend | 'auto';

/** A better way that was not taken. */
export interface RejectedBackend {
  readonly backend: Backend;
  /** Why, and what is needed. */
  readonly reason: string;
}

/** A source and how it was chosen. */
export interface ChosenSource {
  readonly source: EventSource;
  readonly rejected: readonly RejectedBackend[];
}

/** How to open a source. */
export interface OpenSourceOptions {
  readonly backend: BackendChoice;
  readonly options: SourceOptions;
  readonly sink: HintSink;
  readonly onFailure: (error: Error) => void;
}

/** File systems that change without this machine's kernel knowing, or that show changes under other inodes. */
const NO_EVENTS: Readonly<Record<string, string>> = {
  overlay: 'overlayfs gives no reliable events',
  proc: 'the kernel changes it without events',
  sysfs: 'the kernel changes it without events',
  cgroup: 'the kernel changes it without events',
  cgroup2: 'the kernel changes it without events',
  nfs: 'a network file system shows only what this machine changes',
  nfs4: 'a network file system shows only what this machine changes',
  cifs: 'a network file system shows only what this machine changes',
  smb3: 'a network file system shows only what this machine changes',
  ceph: 'a network file system shows only what this machine changes',
  '9p': 'a shared file system shows only what this machine changes',
  virtiofs: 'a shared file system shows only what this machine changes',
  afs: 'a network file system shows only what this machine changes',
  glusterfs: 'a network file system shows only what this machine changes',
  lustre: 'a network file system shows only what this machine changes',
  gpfs: 'a network file system shows only what this machine changes',
  beegfs: 'a network file system shows only what this machine changes',
};

/** CAP_DAC_READ_SEARCH and CAP_SYS_ADMIN, by their bits. */
const CAPABILITIES = [
  [2n, 'CAP_DAC_READ_SEARCH'],
  [21n, 'CAP_SYS_ADMIN'],
] as const;

/**
 * Opens the source that was asked for, or with `auto` the best that works. Throws {@link BackendUnavailableError}
 * where one was asked for that does not.
 */
export async function openSource({ backend, ...open }: OpenSourceOptions): Promise<ChosenSource> {
  const rejected: RejectedBackend[] = [];
  const candidates: readonly Backend[] = backend === 'auto' ? ['fanotify', 'inotify', 'poll'] : [backend];
  for (const candidate of candidates) {
    try {
      const reason = backend === 'auto' ? distrust(candidate, open.options.scope.root) : undefined;
      if (reason !== undefined) throw new BackendUnavailableError(reason);
      const source = candidate === 'poll' ? openPollSource(open) : await openWorker(candidate, open);
      return { source, rejected };
    } catch (error) {
      if (!(error instanceof BackendUnavailableError)) throw error;
      if (backend !== 'auto')
        throw new BackendUnavailableError(`${backend} cannot be used: ${error.message}`);
      rejected.push({ backend: candidate, reason: error.message });
    }
  }
  throw new BackendUnavailableError('there is no way to learn of changes');
}

function openWorker(
  backend: 'fanotify' | 'inotify',
  open: Omit<OpenSourceOptions, 'backend'>,
): Promise<EventSource> {
  const missing = backend === 'fanotify' ? missingCapabilities() : [];
  if (missing.length > 0) throw new BackendUnavailableError(`it needs ${missing.join(' and ')}`);
  return openWorkerSource(backend, open);
}

/** Why events of a root's file system are not to be relied on; undefined when they are. */
function distrust(backend: Backend, root: BytePath): string | undefined {
  if (backend === 'poll') return undefined;
  const type = mountsAround(root).own?.type ?? '';
  if (type.startsWith('fuse')) return `${type} may change without events`;
  return NO_EVENTS[type];
}

function missingCapabilities(): readonly string[] {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  const bits = BigInt(`0x${effective}`);
  return CAPABILITIES.filter(([bit]) => (bits & (1n << bit)) === 0n).map(([, name]) => name);
}
