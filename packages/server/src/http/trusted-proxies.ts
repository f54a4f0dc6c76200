import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * Which peers are proxies whose `X-Forwarded-For` says who the client is: those with one of the addresses, and
 * whoever connects to a Unix socket. Throws an `Error` whose message says which address is none.
 *
 * @param addresses such as `10.0.0.1` and `10.0.0.0/8`
 */
export function trustedProxies(addresses: readonly string[]): (peer: string | undefined) => boolean {
  const list = new BlockList();
  for (const text of addresses) {
    const [address = '', bits] = text.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (isIP(address) === 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) {
      throw new Error(`"${text}" is neither an address nor a network such as 10.0.0.0/8`);
    }
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (peer) => peer === undefined || list.check(peer, isIPv6(peer) ? 'ipv6' : 'ipv4');
}
