import { redisTime } from "@tapedeck/runtime";
import type { Redis } from "ioredis";
import { type Finding, fail, ok, warn } from "./finding.js";

/** The first version with streams with explicit ids, EXPIRE's flags, and what BullMQ requires. */
const minMajor = 6;
const minMinor = 2;
/** About a second of a busy gateway; with less, a short delay disconnects it. */
const minBufferBytes = 32 * 2 ** 20;
const maxClockOffsetMs = 1_000;

/** Checks that a server is suitable for sessions. Rejects if it does not answer. */
export async function checkRedisServer(redis: Redis): Promise<Finding[]> {
  const info = await infoOf(redis);
  return [
    version(info),
    ...(await memory(redis, info)),
    await outputBuffer(redis),
    persistence(info),
    await clock(redis),
    await notifications(redis),
  ];
}

export type Info = ReadonlyMap<string, string>;

/** The fields of INFO. */
export async function infoOf(redis: Redis): Promise<Info> {
  const text = await redis.info();
  return new Map(
    text.split("\r\n").flatMap((line) => {
      const colon = line.indexOf(":");
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)]] : [];
    }),
  );
}

function version(info: Info): Finding {
  const text = info.get("redis_version") ?? "0";
  const [major = 0, minor = 0] = text.split(".").map(Number);
  const supported = major > minMajor || (major === minMajor && minor >= minMinor);
  if (supported) return ok("redis version", `Redis ${text}`);
  return fail("redis version", `Redis ${text}`, `use Redis ${minMajor}.${minMinor} or later`);
}

async function memory(redis: Redis, info: Info): Promise<Finding[]> {
  const policy = info.get("maxmemory_policy") ?? (await setting(redis, "maxmemory-policy"));
  const limit = Number(info.get("maxmemory") ?? 0);
  const used = Number(info.get("used_memory") ?? 0);
  const percent = Math.round((100 * used) / limit);
  const eviction =
    policy === "noeviction" || policy === undefined
      ? ok("eviction", policy ?? "CONFIG is not permitted here; make sure that the policy is noeviction")
      : fail(
          "eviction",
          `maxmemory-policy is ${policy}: leases and sessions are lost when memory runs short`,
          "CONFIG SET maxmemory-policy noeviction, and in redis.conf",
        );
  if (limit === 0) {
    const problem = "maxmemory is not set: Redis grows until the system kills it";
    return [eviction, warn("memory", problem, "set maxmemory below the machine's memory")];
  }
  if (used <= 0.8 * limit) return [eviction, ok("memory", `${percent} % of maxmemory`)];
  const problem = `${percent} % of maxmemory is in use: writes will fail soon`;
  return [eviction, fail("memory", problem, "raise maxmemory, or delete sessions")];
}

async function outputBuffer(redis: Redis): Promise<Finding> {
  const text = await setting(redis, "client-output-buffer-limit");
  const [, hardLimit] = /pubsub (\d+) \d+ \d+/.exec(text ?? "") ?? [];
  if (hardLimit === undefined) return ok("pub/sub buffer", notReadable);
  const bytes = Number(hardLimit);
  if (bytes === 0 || bytes >= minBufferBytes) return ok("pub/sub buffer", bytes === 0 ? "unlimited" : `${bytes} bytes`);
  return fail(
    "pub/sub buffer",
    `a gateway that is ${bytes} bytes behind is disconnected`,
    'CONFIG SET client-output-buffer-limit "pubsub 256mb 128mb 30", and in redis.conf',
  );
}

function persistence(info: Info): Finding {
  if (info.get("aof_enabled") === "1") return ok("persistence", "append-only file");
  if (info.get("role") === "slave" || Number(info.get("connected_slaves") ?? 0) > 0)
    return ok("persistence", "replicas");
  return warn(
    "persistence",
    "neither an append-only file nor a replica: a restart of Redis ends every session",
    "CONFIG SET appendonly yes, and in redis.conf",
  );
}

/** How far Redis's clock is ahead of this machine's, in ms. The fastest of three answers is the most accurate. */
export async function offsetMs(redis: Redis): Promise<number> {
  let best = { roundTrip: Number.POSITIVE_INFINITY, offset: 0 };
  for (let n = 0; n < 3; n++) {
    const before = Date.now();
    const now = await redisTime(redis);
    const roundTrip = Date.now() - before;
    const offset = now - (before + roundTrip / 2);
    if (roundTrip < best.roundTrip) best = { roundTrip, offset };
  }
  return best.offset;
}

async function clock(redis: Redis): Promise<Finding> {
  const offset = Math.round(await offsetMs(redis));
  const what = `Redis's clock is ${offset} ms from this machine's`;
  if (Math.abs(offset) <= maxClockOffsetMs) return ok("clock", what);
  return warn("clock", what, "run NTP on both machines; sessions use Redis's clock");
}

async function notifications(redis: Redis): Promise<Finding> {
  const events = await setting(redis, "notify-keyspace-events");
  if (events === undefined) return ok("notifications", notReadable);
  if (events === "") return ok("notifications", "off, as they should be");
  return warn(
    "notifications",
    `notify-keyspace-events is "${events}": every write publishes an event that Tapedeck does not use`,
    'CONFIG SET notify-keyspace-events ""',
  );
}

/** Of a setting that CONFIG does not return. */
export const notReadable = "cannot be read here";

/** Undefined if the server does not return it, as with managed ones. */
export async function setting(redis: Redis, name: string): Promise<string | undefined> {
  const answer: unknown = await redis.config("GET", name).catch(() => undefined);
  if (Array.isArray(answer)) return answer[1] === undefined ? undefined : String(answer[1]);
  if (answer instanceof Map) return answer.get(name);
  return typeof answer === "object" && answer !== null && name in answer
    ? String(Object.entries(answer).find(([key]) => key === name)?.[1])
    : undefined;
}
