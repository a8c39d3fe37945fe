import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { z } from "zod";
import { isTrustedProxyList } from "../http/client-address.js";
import { tracingEnv } from "../observability/tracing.js";
import { isRedisAddress } from "../redis/address.js";

/** An integer in the environment. @param unit what it counts, in the plural; may be empty */
export function integer(unit: string, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}) {
  const message = `is not a whole number${unit && ` of ${unit}`} from ${min} to ${max}`;
  return z
    .string()
    .regex(/^-?\d+$/, message)
    .transform(Number)
    .refine((n) => n >= min && n <= max, message);
}

export const millis = integer("milliseconds", { max: 86_400_000 });
export const seconds = integer("seconds", { max: 31_536_000 });
export const port = integer("", { max: 65_535 });

/** `on` or `off`, or a common synonym. */
export const onOff = z.stringbool({
  truthy: ["on", "true", "1", "yes"],
  falsy: ["off", "false", "0", "no"],
  error: "is neither on nor off",
});

/** A comma-separated list; empty entries are dropped. */
export const commaList = z.string().transform((text) =>
  text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ""),
);

const hostName = /^(\*|loopback|(\*\.)?[\w-]+(\.[\w-]+)*|\[[\da-f:.]+\])$/i;
const origin = /^(loopback|null|[a-z][a-z0-9+.-]*:\/\/[^/\s]+)$/i;

function listOf(pattern: RegExp, error: string) {
  return commaList.refine((entries) => entries.every((entry) => pattern.test(entry)), { error });
}

/** The settings of all services; spread them into a service's own `z.object`. */
export const commonEnv = {
  ...tracingEnv,
  /**
   * `redis://`, or `rediss://` for TLS, with user and password if Redis requires them. Behind Sentinel:
   * `redis+sentinel://host1:26379,host2:26379/NAME`. A Redis Cluster: `redis+cluster://host1:6379,host2:6379`.
   */
  REDIS_URL: z
    .string()
    .refine(
      isRedisAddress,
      "is not a redis://, rediss://, redis+sentinel://.../NAME or redis+cluster:// address; write @ : / # % in a password as %40 %3A %2F %23 %25",
    )
    .default("redis://127.0.0.1:6379"),
  /** First part of every key and channel, so that several clusters can share one Redis. */
  TAPEDECK_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_.-]+$/, "may contain only letters, digits, _ . and -")
    .default("tapedeck"),
  /** Location of the tapes: a folder, or `s3://bucket/prefix`. */
  TAPEDECK_STORE: z
    .string()
    .refine((place) => !place.includes("://") || /^s3:\/\/[a-z0-9.-]{3,63}(\/|$)/.test(place), {
      error: "is neither a folder nor s3://bucket/prefix",
    })
    .default(".tapedeck/tapes"),
  /** Address of an S3 store other than AWS's. The AWS SDK reads keys and region itself, from `AWS_*` and its other sources. */
  S3_ENDPOINT: z.url({ error: "is not a URL such as http://minio:9000" }).optional(),
  /**
   * Names this process in keys, logs and metrics. It must be new at each start: if a process took over the name of one that crashed, it would
   * be mistaken for the one that still holds its sessions.
   */
  NODE_ID: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,80}$/, "may contain at most 80 letters, digits, _ . and -")
    .default(
      () =>
        `${hostname()
          .replace(/[^A-Za-z0-9_.-]/g, "-")
          .slice(0, 60)}-${randomBytes(3).toString("hex")}`,
    ),
  LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"], {
      error: "is not one of trace, debug, info, warn, error, fatal, silent",
    })
    .default("info"),
  /** Address to listen on. */
  HOST: z.string().default("127.0.0.1"),
  /** 0 lets the system choose. */
  PORT: port.default(0),
  /**
   * Names by which clients reach this process, such as tapedeck.example.com, `*.example.com` for all names below it, or `*` for any name.
   * Loopback names are always accepted. If empty: on the loopback address no other names, otherwise any. `loopback`: no other names.
   */
  ALLOWED_HOSTS: listOf(
    hostName,
    "is not a list of host names without scheme and port, such as tapedeck.example.com or *.example.com",
  ).default([]),
  /**
   * Origins whose pages may use this process from a browser, such as https://example.com, and `loopback` for those of this machine; pages of
   * the process's own origin always may. If empty: on the loopback address `loopback`, otherwise any. Clients that send no Origin are not
   * browsers.
   */
  ALLOWED_ORIGINS: listOf(origin, "is not a list of origins such as https://example.com, or loopback").default([]),
  /** Addresses and CIDR ranges of the proxies whose X-Forwarded-For is trusted. */
  TRUSTED_PROXIES: z
    .string()
    .refine(
      isTrustedProxyList,
      "is not a list of addresses and ranges such as 192.0.2.7,10.4.0.0/16; a range must not cover every address",
    )
    .default(""),
  /** How long a session lives without a socket or a command. */
  SESSION_TTL_S: integer("seconds", { min: 1, max: 31_536_000 }).default(3600),
  /** Id of the tape for a session that names none; by default the newest imported tape. */
  DEFAULT_TAPE: z.string().optional(),
  /** Number of queues that sessions are spread over; must be the same on every node of a cluster. */
  TICKER_QUEUES: integer("", { min: 1, max: 64 }).default(4),
  /** How long a live instrument is still recorded after its last viewer has left; gateways report viewers every 15 s. */
  LIVE_LINGER_S: integer("seconds", { min: 20, max: 86_400 }).default(60),
  /** Size limit of the cache of decompressed blocks. */
  CACHE_MB: integer("megabytes", { min: 8, max: 65_536 }).default(128),
};

/**
 * Simulate a few minutes of a market before the service is ready, so that its first SIMULATION session does not wait for code to be
 * compiled. Costs 1.4 s of CPU.
 */
export const simulationWarmUp = onOff.default(true);

/**
 * Also answers health and metrics on this port, without authentication: for probes and Prometheus, on a network that users cannot reach.
 * 0 lets the system choose.
 */
export const statusPort = port.optional();
