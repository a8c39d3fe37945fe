import { type RedisConnection, redisTime } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import { type Finding, fail, ok, warn } from "./finding.js";

/** Entries of the index that are looked at: enough to see what is wrong with all. */
const sampled = 500;
/** Upkeep comes by every few seconds. */
const overdueMs = 60_000;

/** Whether nodes are there and agree with one another, and the keyspace is as they leave it. */
export async function checkNodes(redis: RedisConnection, keys: Keys): Promise<Finding[]> {
  const now = await redisTime(redis);
  const names = await redis.zrangebyscore(keys.nodes, now - 15_000, "+inf");
  const nodes = (await Promise.all(names.map((name) => redis.hgetall(keys.node(name))))).filter(
    (node) => "role" in node,
  );
  return [
    ...roles(nodes),
    versions(nodes),
    queues(nodes),
    servers(nodes),
    await upkeep(redis, keys, now),
    await lives(redis, keys),
  ];
}

type Node = Readonly<Record<string, string>>;

function roles(nodes: readonly Node[]): Finding[] {
  return ["gateway", "api", "ticker"].map((role) => {
    const count = nodes.filter((node) => node.role === role).length;
    if (count > 0) return ok(`${role}s`, `${count} heard in the last 15 s`);
    return fail(`${role}s`, "none heard in the last 15 s", `start one, with this REDIS_URL and TAPEDECK_PREFIX`);
  });
}

function versions(nodes: readonly Node[]): Finding {
  const found = distinct(nodes, "version");
  if (found.length <= 1) return ok("versions", found[0] ?? "no node to ask");
  return warn("versions", `nodes of ${found.join(" and ")} run side by side`, "finish the upgrade, or take it back");
}

/** A session's queue follows from its id and how many there are: nodes that count differently look in different places. */
function queues(nodes: readonly Node[]): Finding {
  const found = distinct(nodes, "queues");
  if (found.length <= 1) return ok("queues", found[0] ?? "no node to ask");
  return fail("queues", `nodes have ${found.join(" and ")} queues: sessions wait in vain`, "set TICKER_QUEUES alike");
}

function servers(nodes: readonly Node[]): Finding {
  const slow = nodes.filter(({ role, server }) => role === "gateway" && server === "ws").length;
  if (slow === 0) return ok("uWebSockets.js", distinct(nodes, "server").join(", ") || "no gateway to ask");
  return warn(
    "uWebSockets.js",
    `${slow} gateways serve without a native build, at several times the CPU`,
    "Node 20 with glibc 2.27 or later, or Node 22 or 24 with glibc 2.38 or later",
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
    `${overdue} sessions have been over for more than a minute and nobody cleans up`,
    "see that a ticker runs, and what its log says of upkeep",
  );
}

async function lives(redis: RedisConnection, keys: Keys): Promise<Finding> {
  const ids = await redis.zrevrange(keys.created, 0, sampled - 1);
  const left = await Promise.all(ids.map((id) => redis.ttl(keys.session(id))));
  const immortal = ids.filter((_, at) => left[at] === -1);
  if (immortal.length === 0) return ok("sessions' TTL", `${ids.length} sessions looked at`);
  return fail(
    "sessions' TTL",
    `${immortal.length} sessions never expire, ${immortal[0]} among them: something else than Tapedeck wrote them`,
    "EXPIRE their keys, and find out who PERSISTs them",
  );
}
