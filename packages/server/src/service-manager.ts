import { libcFunction } from '@filetracker/durable-fs';

// Values of Linux on all architectures but MIPS; systemd runs nowhere else.
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x8_0000;
const MSG_NOSIGNAL = 0x4000;

/** What is told; see sd_notify(3). */
export type ServiceState = 'READY=1' | 'STOPPING=1';

type Open = (domain: number, type: number, protocol: number) => number;
type SendTo = (
  fd: number,
  message: Buffer,
  length: number,
  flags: number,
  address: Buffer,
  addressLength: number,
) => number;
type Close = (fd: number) => number;

const SEND_TO =
  'int64_t sendto(int fd, const void *message, size_t length, int flags, const void *address, uint32_t addressLength)';

/**
 * Tells systemd, or whoever else speaks its protocol, how this service is: see sd_notify(3). Node's own datagram
 * sockets speak UDP only. A message that cannot be sent is dropped, as sd_notify(3) advises.
 *
 * @param socket `$NOTIFY_SOCKET`; nobody is told without it
 */
export function notifyManager(socket: string | undefined, state: ServiceState): void {
  if (socket === undefined || !/^[/@]/.test(socket)) return;
  const open = libcFunction('int socket(int domain, int type, int protocol)') as Open;
  const fd = open(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const address = socketAddress(socket);
  const message = Buffer.from(state);
  const send = libcFunction(SEND_TO) as SendTo;
  send(fd, message, message.length, MSG_NOSIGNAL, address, address.length);
  const close = libcFunction('int close(int fd)') as Close;
  close(fd);
}

/** A `sockaddr_un`. A path that begins with `@` is a name in the abstract namespace, which begins with a zero. */
function socketAddress(path: string): Buffer {
  const address = Buffer.from(`\0\0${path}`);
  new Uint16Array(address.buffer, address.byteOffset, 1)[0] = AF_UNIX;
  if (path.startsWith('@')) address[2] = 0;
  return address;
}
