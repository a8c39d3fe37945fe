import type { RedisOptions } from "ioredis";

/** What `REDIS_URL` may look like. */
export const redisAddress =
  /^(rediss?:\/\/\S+|rediss?\+sentinel:\/\/[^\s/]+\/[^\s/?]+(\?\S*)?|rediss?\+cluster:\/\/[^\s/?]+)$/;

const sentinel = /^(rediss?)\+sentinel:\/\/(?:([^@/]*)@)?([^@/]+)\/([^/?]+)(?:\?(.*))?$/;
const cluster = /^(rediss?)\+cluster:\/\/(?:([^@/]*)@)?([^@/?]+)$/;

/**
 * A Redis behind Sentinel: `redis+sentinel://user:password@host1:26379,host2:26379/NAME?db=0&sentinel_password=...`, the user and
 * password being those of Redis itself; `rediss+sentinel://` for TLS to both.
 *
 * @returns undefined for an address that names no sentinels
 */
export function sentinelOptions(url: string): RedisOptions | undefined {
  const [, scheme, credentials = "", hosts = "", name = "", query = ""] = sentinel.exec(url) ?? [];
  if (scheme === undefined) return undefined;
  const asked = new URLSearchParams(query);
  const sentinelPassword = asked.get("sentinel_password");
  const tls = scheme === "rediss" ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {};
  return {
    ...tls,
    name: decodeURIComponent(name),
    sentinels: hostsOf(hosts, 26_379),
    db: Number(asked.get("db") ?? 0),
    ...userOf(credentials),
    ...(sentinelPassword !== null && { sentinelPassword }),
  };
}

export interface ClusterAddress {
  /** Some of its nodes; the others are learned from them. */
  readonly nodes: { readonly host: string; readonly port: number }[];
  /** For the connection to each node. */
  readonly options: { readonly username?: string; readonly password?: string; readonly tls?: Record<string, never> };
}

/**
 * A Redis Cluster: `redis+cluster://user:password@host1:6379,host2:6379`, some of its nodes, with one user and password for all;
 * `rediss+cluster://` for TLS. It has no databases, so the address names none.
 *
 * @returns undefined for an address that names no Cluster
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
