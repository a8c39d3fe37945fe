import { isIP, SocketAddress } from "node:net";
import proxyAddr from "proxy-addr";

/** Whether an address belongs to one of our own proxies. */
export type TrustedProxies = (address: string) => boolean;

/**
 * @param list comma-separated addresses, CIDR ranges, or `loopback`, `linklocal`, `uniquelocal`; empty trusts nobody
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

/** Whether `proxyTrust` takes this list, and it does not make a proxy of every client. */
export function isTrustedProxyList(list: string): boolean {
  try {
    trustedProxies(list);
  } catch {
    return false; // it says which entry; the environment's own sentence says what is accepted
  }
  return !list.split(",").some((entry) => entry.trim().endsWith("/0"));
}

/**
 * The client's address: the last one on the way here that is not one of our proxies. `X-Forwarded-For` counts only as
 * far as proxies that we trust wrote it, since a client may send any.
 *
 * @param remote the address that the connection comes from
 * @param forwardedFor the X-Forwarded-For header, if there is one
 */
export function clientAddress(remote: string, forwardedFor: string | undefined, trusted: TrustedProxies): string {
  let client = addressIn(remote) ?? remote;
  const hops = forwardedFor?.split(",").reverse() ?? [];
  for (const hop of hops) {
    if (!trusted(client)) break;
    const address = addressIn(hop.trim());
    if (address === undefined) break; // a proxy of ours wrote no such thing: what stands before it is the client's word
    client = address;
  }
  return client;
}

/** An address as some proxies write it: with a port, and then an IPv6 one in brackets. */
const withPort = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/;

/**
 * The address in its one spelling, since limits count by it and pages are known by it: IPv6 shortened, IPv4 also where a dual-stack
 * socket writes ::ffff:127.0.0.1. Undefined for what is not an address.
 */
function addressIn(text: string): string | undefined {
  const [, bracketed, beforePort] = withPort.exec(text) ?? [];
  const address = bracketed ?? beforePort ?? text;
  const family = isIP(address);
  if (family === 0) return undefined;
  if (family === 4) return address;
  const spelling = new SocketAddress({ address, family: "ipv6" }).address;
  return spelling.startsWith("::ffff:") && spelling.includes(".") ? spelling.slice(7) : spelling;
}
