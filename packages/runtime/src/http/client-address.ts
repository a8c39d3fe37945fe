import { isIP, SocketAddress } from "node:net";
import proxyAddr from "proxy-addr";

/** Whether an address belongs to one of our own proxies. */
export type TrustedProxies = (address: string) => boolean;

/**
 * @param list comma-separated addresses, CIDR ranges, or `loopback`, `linklocal`, `uniquelocal`; empty trusts no proxy
 * @throws TypeError naming the entry that is none of these
 */
export function trustedProxies(list: string): TrustedProxies {
  const entries = list
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  const trusts = proxyAddr.compile(entries);
  return (address) => isIP(address) !== 0 && trusts(address, 0);
}

/** Whether `trustedProxies` accepts this list, and it does not turn every client into a proxy. */
export function isTrustedProxyList(list: string): boolean {
  try {
    trustedProxies(list);
  } catch {
    return false; // the setting's own message says what is accepted
  }
  return !list.split(",").some((entry) => entry.trim().endsWith("/0"));
}

/**
 * The client's address: the last one in the chain of proxies that is not one of ours. `X-Forwarded-For` counts only as far as trusted proxies
 * wrote it, since a client may send any.
 *
 * @param remote the address that the connection comes from
 * @param forwardedFor the X-Forwarded-For header, if there is one
 */
export function clientAddress(remote: string, forwardedFor: string | undefined, trusted: TrustedProxies): string {
  let client = parseAddress(remote) ?? remote;
  const hops = forwardedFor?.split(",").reverse() ?? [];
  for (const hop of hops) {
    if (!trusted(client)) break;
    const address = parseAddress(hop.trim());
    if (address === undefined) break; // no proxy of ours wrote this: entries before it are the client's claim
    client = address;
  }
  return client;
}

/** An address as some proxies write it: with a port, and then an IPv6 address in brackets. */
const withPort = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/;

/**
 * The address in its canonical form, since rate limits and page identities depend on it: IPv6 shortened, and IPv4 also where a dual-stack
 * socket writes ::ffff:127.0.0.1. Undefined if the text is not an address.
 */
function parseAddress(text: string): string | undefined {
  const [, bracketed, beforePort] = withPort.exec(text) ?? [];
  const address = bracketed ?? beforePort ?? text;
  const family = isIP(address);
  if (family === 0) return undefined;
  if (family === 4) return address;
  const canonical = new SocketAddress({ address, family: "ipv6" }).address;
  return canonical.startsWith("::ffff:") && canonical.includes(".") ? canonical.slice(7) : canonical;
}
