import type { Cluster, Redis } from "ioredis";
import { type Finding, fail, ok, warn } from "./finding.js";
import { checkRedisServer, type Info, infoOf, offsetMs, setting } from "./redis-server.js";

const slots = 16_384;
/** Sharded pub/sub is there from here on. */
const oldestMajor = 7;
/** A master that is silent for longer than this is missed by users. */
const longestTimeoutMs = 10_000;
/** Sessions go by their own master's clock, and nodes by one master's: apart by more than this, playing is late or early. */
const tolerableMs = 50;

/** Whether a Redis Cluster is one that sessions can live on: each master, and how they hang together. */
export async function checkRedisCluster(cluster: Cluster): Promise<Finding[]> {
  const masters = cluster.nodes("master");
  const each = await Promise.all(
    masters.map(async (redis) => ({ where: nameOf(redis), found: await checkRedisServer(redis) })),
  );
  const infos = await Promise.all(masters.map(async (redis) => ({ where: nameOf(redis), info: await infoOf(redis) })));
  return [
    await shards(cluster),
    ...worstOf(each),
    shardedPubSub(infos),
    replicas(infos),
    await coverage(masters),
    await failover(masters),
    await clocks(masters),
  ];
}

type Named<T> = readonly (T & { readonly where: string })[];

function nameOf({ options }: Redis): string {
  return `${options.host}:${options.port}`;
}

const severity = { ok: 0, warn: 1, fail: 2 } as const;

/** One finding per check: of the masters the worst, with the names of those that it is true of. */
function worstOf(each: Named<{ readonly found: readonly Finding[] }>): Finding[] {
  const byCheck = new Map<string, { readonly where: string; readonly finding: Finding }[]>();
  for (const { where, found } of each) {
    for (const finding of found)
      byCheck.set(finding.check, [...(byCheck.get(finding.check) ?? []), { where, finding }]);
  }
  return [...byCheck.values()].flatMap((all) => {
    const [worst] = [...all].sort((a, b) => severity[b.finding.level] - severity[a.finding.level]);
    if (worst === undefined) return [];
    if (worst.finding.level === "ok") return [worst.finding];
    const those = all.filter(({ finding }) => finding.level === worst.finding.level).map(({ where }) => where);
    return [{ ...worst.finding, what: `${those.join(", ")}: ${worst.finding.what}` }];
  });
}

async function shards(cluster: Cluster): Promise<Finding> {
  const told = await cluster.cluster("INFO");
  const number = (field: string): number => Number(new RegExp(`${field}:(\\d+)`).exec(String(told))?.[1] ?? 0);
  const served = number("cluster_slots_ok");
  if (served === slots) return ok("redis cluster", `${number("cluster_size")} masters serve all slots`);
  return fail(
    "redis cluster",
    `${slots - served} of ${slots} slots have no master that answers: their sessions stand still, and perhaps none can be made`,
    "bring the master or a replica of it back, or assign the slots: redis-cli --cluster fix",
  );
}

function shardedPubSub(infos: Named<{ readonly info: Info }>): Finding {
  const old = infos.filter(({ info }) => Number(info.get("redis_version")?.split(".")[0] ?? 0) < oldestMajor);
  if (old.length === 0) return ok("sharded pub/sub", "there");
  const names = old.map(({ where }) => where).join(", ");
  return fail("sharded pub/sub", `not at ${names}, so no frame passes`, `use Redis ${oldestMajor}.0 or later`);
}

function replicas(infos: Named<{ readonly info: Info }>): Finding {
  const alone = infos.filter(({ info }) => Number(info.get("connected_slaves") ?? 0) === 0);
  if (alone.length === 0) return ok("replicas", "each master has one");
  return warn(
    "replicas",
    `${alone.map(({ where }) => where).join(", ")}: no replica, so sessions there stand still while that machine is down`,
    "give each master one: redis-cli --cluster add-node NEW ANY --cluster-slave",
  );
}

async function coverage(masters: readonly Redis[]): Promise<Finding> {
  const told = await Promise.all(masters.map((redis) => setting(redis, "cluster-require-full-coverage")));
  if (!told.includes("yes"))
    return ok("coverage", told.includes("no") ? "one lost master stops its own sessions only" : "not to be seen here");
  return warn(
    "coverage",
    "cluster-require-full-coverage is yes: one lost master stops all sessions of all masters",
    "CONFIG SET cluster-require-full-coverage no at each node, and in redis.conf",
  );
}

async function failover(masters: readonly Redis[]): Promise<Finding> {
  const told = await Promise.all(masters.map(async (redis) => Number(await setting(redis, "cluster-node-timeout"))));
  const longest = Math.max(0, ...told.filter(Number.isFinite));
  if (longest <= longestTimeoutMs) return ok("failover", longest === 0 ? "not to be seen here" : `after ${longest} ms`);
  return warn(
    "failover",
    `cluster-node-timeout is ${longest} ms: for that long the sessions of a dead master stand still`,
    "CONFIG SET cluster-node-timeout 5000 at each node, and in redis.conf",
  );
}

async function clocks(masters: readonly Redis[]): Promise<Finding> {
  const offsets = await Promise.all(masters.map(offsetMs));
  const apart = Math.round(Math.max(...offsets) - Math.min(...offsets));
  if (apart <= tolerableMs) return ok("masters' clocks", `${apart} ms apart at most`);
  return warn("masters' clocks", `${apart} ms apart`, "run NTP on every machine of the Cluster");
}
