import { isIP } from "node:net";
import proxyAddr from "proxy-addr";

/** Whether an address belongs to one of our own proxies. */
export type ProxyTrust = (address: string) => boolean;

/**
 * @param list comma-separated addresses, CIDR ranges, or `loopback`, `linklocal`, `uniquelocal`; empty trusts nobody
 * @throws TypeError naming the entry that is none of these
 */
export function proxyTrust(list: string): ProxyTrust {
  const entries = list
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  const trusts = proxyAddr.compile(entries);
  return (address) => isIP(address) !== 0 && trusts(address, 0);
}

/**
 * The client's address: the last one on the way here that is not one of our proxies. `X-Forwarded-For` counts only as
 * far as proxies that we trust wrote it, since a client may send any.
 *
 * @param remote the address that the connection comes from
 * @param forwardedFor the X-Forwarded-For header, if there is one
 */
export function clientAddress(remote: string, forwardedFor: string | undefined, trusted: ProxyTrust): string {
  let client = plain(remote);
  const hops = forwardedFor?.split(",").reverse() ?? [];
  for (const hop of hops) {
    if (!trusted(client)) break;
    const address = plain(hop.trim());
    if (isIP(address) === 0) break; // a proxy of ours wrote no such thing: what stands before it is the client's word
    client = address;
  }
  return client;
}

/** Dual-stack sockets write IPv4 addresses as ::ffff:127.0.0.1; one client is to have one address. */
function plain(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
