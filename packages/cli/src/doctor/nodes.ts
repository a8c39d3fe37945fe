import { aliveSince, heartbeatTtlS, type RedisConnection, redisTime } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import { type Finding, fail, ok, warn } from "./finding.js";

/** How many entries of the index are checked: enough to see a systematic problem. */
const sampleSize = 500;
/** Upkeep runs every few seconds. */
const overdueMs = 60_000;

/** Checks that nodes of all roles run and agree with one another, and that sessions are cleaned up. */
export async function checkNodes(redis: RedisConnection, keys: Keys): Promise<Finding[]> {
  const now = await redisTime(redis);
  const names = await redis.zrangebyscore(keys.nodes, aliveSince(now), "+inf");
  const nodes = (await Promise.all(names.map((name) => redis.hgetall(keys.node(name))))).filter(
    (node) => "role" in node,
  );
  return [
    ...roles(nodes),
    versions(nodes),
    queues(nodes),
    servers(nodes),
    await upkeep(redis, keys, now),
    await ttls(redis, keys),
  ];
}

type Node = Readonly<Record<string, string>>;

function roles(nodes: readonly Node[]): Finding[] {
  return ["gateway", "api", "ticker"].map((role) => {
    const count = nodes.filter((node) => node.role === role).length;
    if (count > 0) return ok(`${role}s`, `${count} alive`);
    return fail(
      `${role}s`,
      `no heartbeat in the last ${heartbeatTtlS} s`,
      `start one with this REDIS_URL and TAPEDECK_PREFIX`,
    );
  });
}

function versions(nodes: readonly Node[]): Finding {
  const found = distinct(nodes, "version");
  if (found.length <= 1) return ok("versions", found[0] ?? "no node to check");
  return warn(
    "versions",
    `nodes of versions ${found.join(" and ")} run at the same time`,
    "finish or revert the upgrade",
  );
}

/** A session's queue follows from its id and the number of queues: nodes with different numbers use different queues for it. */
function queues(nodes: readonly Node[]): Finding {
  const found = distinct(nodes, "queues");
  if (found.length <= 1) return ok("queues", found[0] ?? "no node to check");
  return fail(
    "queues",
    `nodes have different numbers of queues (${found.join(", ")}), so some sessions are never played`,
    "set TICKER_QUEUES to the same number on every node",
  );
}

function servers(nodes: readonly Node[]): Finding {
  const slow = nodes.filter(({ role, server }) => role === "gateway" && server === "ws").length;
  if (slow === 0) return ok("uWebSockets.js", distinct(nodes, "server").join(", ") || "no gateway to check");
  return warn(
    "uWebSockets.js",
    `${slow} ${slow === 1 ? "gateway runs" : "gateways run"} without the native server, which costs several times the CPU`,
    "use Node 20 with glibc 2.27 or later, or Node 22 or 24 with glibc 2.38 or later",
  );
}

function distinct(nodes: readonly Node[], field: string): string[] {
  return [...new Set(nodes.flatMap((node) => node[field] ?? []))].sort();
}

async function upkeep(redis: RedisConnection, keys: Keys, now: number): Promise<Finding> {
  const overdue = await redis.zcount(keys.expiry, "-inf", now - overdueMs);
  if (overdue === 0) return ok("upkeep", "nothing is overdue");
  return fail(
    "upkeep",
    `${overdue} expired sessions have not been cleaned up for more than a minute`,
    "check that a ticker runs, and what its log says about upkeep",
  );
}

async function ttls(redis: RedisConnection, keys: Keys): Promise<Finding> {
  const ids = await redis.zrevrange(keys.created, 0, sampleSize - 1);
  const left = await Promise.all(ids.map((id) => redis.ttl(keys.session(id))));
  const immortal = ids.filter((_, at) => left[at] === -1);
  if (immortal.length === 0) return ok("sessions' TTL", `${ids.length} sessions checked`);
  return fail(
    "sessions' TTL",
    `${immortal.length} sessions never expire, for example ${immortal[0]}: another program wrote them`,
    "EXPIRE their keys, and find out which program runs PERSIST on them",
  );
}
