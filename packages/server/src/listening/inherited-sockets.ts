import type { ListenAddress } from './address.js';

/** Descriptor of the first socket that is passed on: SD_LISTEN_FDS_START. */
const FIRST = 3;

/**
 * The sockets that systemd, or whoever else speaks its protocol, has opened for a process: see sd_listen_fds(3).
 *
 * @param pid the process; what is meant for another one is left alone
 */
export function inheritedSockets(environment: NodeJS.ProcessEnv, pid: number): readonly ListenAddress[] {
  if (environment['LISTEN_PID'] !== String(pid)) return [];
  const count = Number(environment['LISTEN_FDS'] ?? 0);
  return Array.from({ length: count }, (_, index) => ({ kind: 'inherited', fd: FIRST + index }));
}
