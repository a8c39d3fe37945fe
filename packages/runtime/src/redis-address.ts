import type { RedisOptions } from "ioredis";

/** What `REDIS_URL` may look like. */
export const redisAddress = /^(rediss?:\/\/\S+|rediss?\+sentinel:\/\/[^\s/]+\/[^\s/?]+(\?\S*)?)$/;

const sentinel = /^(rediss?)\+sentinel:\/\/(?:([^@/]*)@)?([^@/]+)\/([^/?]+)(?:\?(.*))?$/;

/**
 * A Redis behind Sentinel: `redis+sentinel://user:password@host1:26379,host2:26379/NAME?db=0&sentinel_password=...`, the user and
 * password being those of Redis itself; `rediss+sentinel://` for TLS to both.
 *
 * @returns undefined for an address that names a Redis directly
 */
export function sentinelOptions(url: string): RedisOptions | undefined {
  const [, scheme, credentials = "", hosts = "", name = "", query = ""] = sentinel.exec(url) ?? [];
  if (scheme === undefined) return undefined;
  const [username = "", password = ""] = credentials.split(":").map(decodeURIComponent);
  const asked = new URLSearchParams(query);
  const sentinelPassword = asked.get("sentinel_password");
  const tls = scheme === "rediss" ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {};
  return {
    ...tls,
    name: decodeURIComponent(name),
    sentinels: hosts.split(",").map((host) => {
      const colon = host.lastIndexOf(":");
      return colon < 0 ? { host, port: 26_379 } : { host: host.slice(0, colon), port: Number(host.slice(colon + 1)) };
    }),
    db: Number(asked.get("db") ?? 0),
    ...(username !== "" && { username }),
    ...(password !== "" && { password }),
    ...(sentinelPassword !== null && { sentinelPassword }),
  };
}
