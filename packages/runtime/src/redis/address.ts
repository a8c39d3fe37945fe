import type { RedisOptions } from "ioredis";

const supported = /^(rediss?:\/\/\S+|rediss?\+sentinel:\/\/[^\s/]+\/[^\s/?]+(\?\S*)?|rediss?\+cluster:\/\/[^\s/?]+)$/;

const sentinel = /^(rediss?)\+sentinel:\/\/(?:([^@/]*)@)?([^@/]+)\/([^/?]+)(?:\?(.*))?$/;
const cluster = /^(rediss?)\+cluster:\/\/(?:([^@/]*)@)?([^@/?]+)$/;

/**
 * Whether this is a valid `REDIS_URL`. User and password must be percent-encoded: otherwise a part of a password could be mistaken for a
 * host and appear in a log.
 */
export function isRedisAddress(url: string): boolean {
  if (!supported.test(url) || url.includes("#") || url.split("@").length > 2) return false;
  try {
    if (sentinelOptions(url) !== undefined || clusterAddress(url) !== undefined) return true;
    const { protocol, username, password, pathname } = new URL(url);
    userOf(`${username}:${password}`);
    return /^rediss?:$/.test(protocol) && /^\/?\d*$/.test(pathname);
  } catch {
    return false; // the error would quote the address, which must not be shown
  }
}

/**
 * A Redis behind Sentinel: `redis+sentinel://user:password@host1:26379,host2:26379/NAME?db=0&sentinel_password=...`, with the user and
 * password of Redis itself; `rediss+sentinel://` for TLS to both.
 *
 * @returns undefined for any other address
 */
export function sentinelOptions(url: string): RedisOptions | undefined {
  const [, scheme, credentials = "", hosts = "", name = "", query = ""] = sentinel.exec(url) ?? [];
  if (scheme === undefined) return undefined;
  const parameters = new URLSearchParams(query);
  const sentinelPassword = parameters.get("sentinel_password");
  const tls = scheme === "rediss" ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {};
  return {
    ...tls,
    name: decodeURIComponent(name),
    sentinels: hostsOf(hosts, 26_379),
    db: Number(parameters.get("db") ?? 0),
    ...userOf(credentials),
    ...(sentinelPassword !== null && { sentinelPassword }),
  };
}

export interface ClusterAddress {
  /** Some of its nodes; they announce the others. */
  readonly nodes: { readonly host: string; readonly port: number }[];
  /** For the connection to each node. */
  readonly options: { readonly username?: string; readonly password?: string; readonly tls?: Record<string, never> };
}

/**
 * A Redis Cluster: `redis+cluster://user:password@host1:6379,host2:6379`, some of its nodes, with one user and password for all;
 * `rediss+cluster://` for TLS. A Cluster has no databases, so the address names none.
 *
 * @returns undefined for any other address
 */
export function clusterAddress(url: string): ClusterAddress | undefined {
  const [, scheme, credentials = "", hosts = ""] = cluster.exec(url) ?? [];
  if (scheme === undefined) return undefined;
  const tls = scheme === "rediss" ? { tls: {} } : {};
  return { nodes: hostsOf(hosts, 6379), options: { ...tls, ...userOf(credentials) } };
}

function hostsOf(hosts: string, defaultPort: number): { host: string; port: number }[] {
  return hosts.split(",").map((host) => {
    const colon = host.lastIndexOf(":");
    return colon < 0
      ? { host, port: defaultPort }
      : { host: host.slice(0, colon), port: Number(host.slice(colon + 1)) };
  });
}

function userOf(credentials: string): { username?: string; password?: string } {
  const [username = "", password = ""] = credentials.split(":").map(decodeURIComponent);
  return { ...(username !== "" && { username }), ...(password !== "" && { password }) };
}
