import { describe, expect, it } from 'vitest';
import { isBeyondLoopback, parseListenAddress } from '#server/listening/address.js';
import { inheritedSockets } from '#server/listening/inherited-sockets.js';

describe('an address to listen on', () => {
  it.each([
    ['127.0.0.1', { kind: 'tcp', host: '127.0.0.1', port: 9999 }],
    ['localhost:80', { kind: 'tcp', host: 'localhost', port: 80 }],
    ['::', { kind: 'tcp', host: '::', port: 9999 }],
    ['[::1]', { kind: 'tcp', host: '::1', port: 9999 }],
    ['[::1]:0', { kind: 'tcp', host: '::1', port: 0 }],
    ['/run/ft.sock', { kind: 'unix', path: '/run/ft.sock' }],
    ['unix:/run/ft.sock', { kind: 'unix', path: '/run/ft.sock' }],
  ])('%s', (text, address) => {
    expect(parseListenAddress(text, 9999)).toEqual(address);
  });

  it.each([
    '',
    ':80',
    'host:',
    'host:port',
    '[::1',
    '[host]:1',
    'host:65536',
    `/${'x'.repeat(107)}`,
  ])('"%s" is none', (text) => {
    expect(() => parseListenAddress(text, 9999)).toThrow();
  });

  it.each([
    ['127.0.0.1', false],
    ['127.1.2.3:80', false],
    ['localhost', false],
    ['::1', false],
    ['unix:/run/ft.sock', false],
    ['0.0.0.0', true],
    ['::', true],
    ['127.example.org', true],
    ['10.0.0.1', true],
  ])('%s: reachable from elsewhere is %s', (text, beyond) => {
    expect(isBeyondLoopback(parseListenAddress(text, 9999))).toBe(beyond);
  });
});

describe('sockets that systemd has opened', () => {
  it('are those from descriptor 3 on, and only for the process that they are meant for', () => {
    const environment = { LISTEN_PID: '42', LISTEN_FDS: '2' };
    expect(inheritedSockets(environment, 42)).toEqual([
      { kind: 'inherited', fd: 3 },
      { kind: 'inherited', fd: 4 },
    ]);
    expect(inheritedSockets(environment, 43)).toEqual([]);
    expect(inheritedSockets({}, 42)).toEqual([]);
  });
});
