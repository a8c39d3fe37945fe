import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { z } from "zod";
import { isTrustedProxyList } from "../http/client-address.js";
import { tracingEnv } from "../observability/tracing.js";
import { isRedisAddress } from "../redis/address.js";

/** A whole number written in the environment. */
export function integer(unit: string, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}) {
  const sentence = `is not a whole number${unit && ` of ${unit}`} from ${min} to ${max}`;
  return z
    .string()
    .regex(/^-?\d+$/, sentence)
    .transform(Number)
    .refine((n) => n >= min && n <= max, sentence);
}

export const millis = integer("milliseconds", { max: 86_400_000 });
export const seconds = integer("seconds", { max: 31_536_000 });
export const port = integer("", { max: 65_535 });

/** `on` or `off`, and what people write instead of them. */
export const onOff = z.stringbool({
  truthy: ["on", "true", "1", "yes"],
  falsy: ["off", "false", "0", "no"],
  error: "is neither on nor off",
});

/** Comma-separated words; empty ones are left out. */
export const commaList = z.string().transform((text) =>
  text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== ""),
);

const hostName = /^(\*|loopback|(\*\.)?[\w-]+(\.[\w-]+)*|\[[\da-f:.]+\])$/i;
const origin = /^(loopback|null|[a-z][a-z0-9+.-]*:\/\/[^/\s]+)$/i;

function listOf(pattern: RegExp, error: string) {
  return commaList.refine((words) => words.every((word) => pattern.test(word)), { error });
}

/** The environment that every service understands; spread it into the service's own `z.object`. */
export const commonEnv = {
  ...tracingEnv,
  /**
   * `redis://`, or `rediss://` for TLS, with user and password where Redis asks for them. Behind Sentinel:
   * `redis+sentinel://host1:26379,host2:26379/NAME`. A Redis Cluster: `redis+cluster://host1:6379,host2:6379`.
   */
  REDIS_URL: z
    .string()
    .refine(
      isRedisAddress,
      "is not a redis://, rediss://, redis+sentinel://.../NAME or redis+cluster:// address; @ : / # % in a password are written %40 %3A %2F %23 %25",
    )
    .default("redis://127.0.0.1:6379"),
  /** First part of every key and channel, so that several clusters can share one Redis. */
  TAPEDECK_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_.-]+$/, "may hold letters, digits, _ . and - only")
    .default("tapedeck"),
  /** Where the tapes are: a folder, or `s3://bucket/prefix`. */
  TAPEDECK_STORE: z
    .string()
    .refine((place) => !place.includes("://") || /^s3:\/\/[a-z0-9.-]{3,63}(\/|$)/.test(place), {
      error: "is neither a folder nor s3://bucket/prefix",
    })
    .default(".tapedeck/tapes"),
  /** Address of an S3 store that is not AWS's. Keys and region are read by the AWS SDK, from `AWS_*` and where it else looks. */
  S3_ENDPOINT: z.url({ error: "is not an address such as http://minio:9000" }).optional(),
  /**
   * Names this process in keys, logs and metrics. It must be new at each start: a name that a crashed process left on a
   * session would make its successor look like the one that renders it.
   */
  NODE_ID: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,80}$/, "may hold at most 80 letters, digits, _ . and -")
    .default(
      () =>
        `${hostname()
          .replace(/[^A-Za-z0-9_.-]/g, "-")
          .slice(0, 60)}-${randomBytes(3).toString("hex")}`,
    ),
  LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"], {
      error: "is none of trace, debug, info, warn, error, fatal, silent",
    })
    .default("info"),
  /** Address to listen on. */
  HOST: z.string().default("127.0.0.1"),
  /** 0 lets the system choose. */
  PORT: port.default(0),
  /**
   * Names by which clients reach this process, such as tapedeck.example.com, `*.example.com` for all below it, `*` for any. Loopback names
   * are accepted besides. Empty: on the loopback address no others, elsewhere any. `loopback`: no others.
   */
  ALLOWED_HOSTS: listOf(
    hostName,
    "is not a list of host names without scheme and port, such as tapedeck.example.com or *.example.com",
  ).default([]),
  /**
   * Pages that may ask from a browser, such as https://example.com, and `loopback` for those of this machine; pages of the process's own
   * origin always may. Empty: on the loopback address `loopback`, elsewhere any. Clients that send no Origin are no pages.
   */
  ALLOWED_ORIGINS: listOf(origin, "is not a list of origins such as https://example.com, or loopback").default([]),
  /** Addresses and CIDR ranges of the proxies whose X-Forwarded-For is believed. */
  TRUSTED_PROXIES: z
    .string()
    .refine(
      isTrustedProxyList,
      "is not a list of addresses and ranges such as 192.0.2.7,10.4.0.0/16; none may hold every address",
    )
    .default(""),
  /** Life of a session without a socket and without a command. */
  SESSION_TTL_S: integer("seconds", { min: 1, max: 31_536_000 }).default(3600),
  /** Id of the tape that a session gets when it names none; otherwise the newest imported one. */
  DEFAULT_TAPE: z.string().optional(),
  /** Queues that sessions are spread over; the same number on every node of a cluster. */
  TICKER_QUEUES: integer("", { min: 1, max: 64 }).default(4),
  /** A live instrument is recorded for so long after the last one who watched it has gone; gateways say every 15 s who watches. */
  LIVE_LINGER_S: integer("seconds", { min: 20, max: 86_400 }).default(60),
  /** Bound of the cache of decompressed blocks. */
  CACHE_MB: integer("megabytes", { min: 8, max: 65_536 }).default(128),
};

/**
 * Make simulated minutes for practice before the service is ready, so that its first SIMULATION session is not made to wait while code
 * is compiled. Costs 1.4 s of CPU.
 */
export const simulationWarmUp = onOff.default(true);

/**
 * Answers health and metrics on a port of their own as well, without authentication: for probes and for Prometheus, on a network that
 * users do not reach. 0 lets the system choose.
 */
export const statusPort = port.optional();
