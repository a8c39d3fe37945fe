import { redisTime } from "@tapedeck/runtime";
import type { Redis } from "ioredis";
import { type Finding, fail, ok, warn } from "./finding.js";

/** Streams with explicit ids, EXPIRE's flags and what BullMQ asks for are all there from here on. */
const oldestMajor = 6;
const oldestMinor = 2;
/** About a second of a busy gateway; below that one hiccup cuts it off. */
const leastBufferBytes = 32 * 2 ** 20;
const tolerableMs = 1_000;

/** Whether a server is one that sessions can live on. Rejects where it does not answer. */
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

/** What INFO says, by field. */
export async function infoOf(redis: Redis): Promise<Info> {
  return sections(await redis.info());
}

function sections(text: string): Info {
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
  const enough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  if (enough) return ok("redis version", `Redis ${text}`);
  return fail("redis version", `Redis ${text}`, `use Redis ${oldestMajor}.${oldestMinor} or later`);
}

async function memory(redis: Redis, info: Info): Promise<Finding[]> {
  const policy = info.get("maxmemory_policy") ?? (await setting(redis, "maxmemory-policy"));
  const most = Number(info.get("maxmemory") ?? 0);
  const used = Number(info.get("used_memory") ?? 0);
  const found: Finding[] = [];
  if (policy === "noeviction" || policy === undefined) {
    found.push(ok("eviction", policy ?? "CONFIG is not allowed here; see to it that the policy is noeviction"));
  } else {
    found.push(
      fail(
        "eviction",
        `maxmemory-policy is ${policy}: leases and sessions vanish when memory runs short`,
        "CONFIG SET maxmemory-policy noeviction, and in redis.conf",
      ),
    );
  }
  if (most === 0) {
    found.push(
      warn("memory", "maxmemory is not set: Redis grows until the system ends it", "set maxmemory below the machine's"),
    );
  } else if (used > 0.8 * most) {
    const percent = Math.round((100 * used) / most);
    found.push(
      fail("memory", `${percent} % of maxmemory is in use: writes fail soon`, "raise maxmemory, or delete sessions"),
    );
  } else found.push(ok("memory", `${Math.round((100 * used) / most)} % of maxmemory`));
  return found;
}

async function outputBuffer(redis: Redis): Promise<Finding> {
  const text = await setting(redis, "client-output-buffer-limit");
  const [, hard] = /pubsub (\d+) \d+ \d+/.exec(text ?? "") ?? [];
  if (hard === undefined) return ok("pub/sub buffer", "not to be seen here");
  const bytes = Number(hard);
  if (bytes === 0 || bytes >= leastBufferBytes)
    return ok("pub/sub buffer", bytes === 0 ? "unlimited" : `${bytes} bytes`);
  return fail(
    "pub/sub buffer",
    `a gateway that is ${bytes} bytes behind is cut off`,
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

/** How far its clock is ahead of this machine's, in ms. Of three answers the fastest tells best. */
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
  const off = Math.round(await offsetMs(redis));
  if (Math.abs(off) <= tolerableMs) return ok("clock", `Redis's clock is ${off} ms from this machine's`);
  return warn("clock", `Redis's clock is ${off} ms from this machine's`, "run NTP on both; sessions go by Redis's");
}

async function notifications(redis: Redis): Promise<Finding> {
  const events = await setting(redis, "notify-keyspace-events");
  if (events === undefined) return ok("notifications", "not to be seen here");
  if (events === "") return ok("notifications", "off, as they should be");
  return warn(
    "notifications",
    `notify-keyspace-events is "${events}": every write costs a publish that nobody here hears`,
    'CONFIG SET notify-keyspace-events ""',
  );
}

/** Undefined where the server does not tell, as managed ones do. */
export async function setting(redis: Redis, name: string): Promise<string | undefined> {
  const answer: unknown = await redis.config("GET", name).catch(() => undefined);
  if (Array.isArray(answer)) return answer[1] === undefined ? undefined : String(answer[1]);
  if (answer instanceof Map) return answer.get(name);
  return typeof answer === "object" && answer !== null && name in answer
    ? String(Object.entries(answer).find(([key]) => key === name)?.[1])
    : undefined;
}
