import type { Cluster, Redis } from "ioredis";
import { type Finding, fail, ok, warn } from "./finding.js";
import { checkRedisServer, type Info, infoOf, notReadable, offsetMs, setting } from "./redis-server.js";

const slotCount = 16_384;
/** The first version with sharded pub/sub. */
const minMajor = 7;
/** Users notice a master that is silent for longer than this. */
const maxNodeTimeoutMs = 10_000;
/** Sessions use the clock of their own master, nodes that of one master: beyond this difference, frames are late or early. */
const maxClockDifferenceMs = 50;

/** Checks that a Redis Cluster is suitable for sessions: each master, and what they have in common. */
export async function checkRedisCluster(cluster: Cluster): Promise<Finding[]> {
  const masters = cluster.nodes("master");
  const checked = await Promise.all(
    masters.map(async (redis) => ({ address: addressOf(redis), findings: await checkRedisServer(redis) })),
  );
  const infos = await Promise.all(
    masters.map(async (redis) => ({ address: addressOf(redis), info: await infoOf(redis) })),
  );
  return [
    await shards(cluster),
    ...worstOf(checked),
    shardedPubSub(infos),
    replicas(infos),
    await coverage(masters),
    await failover(masters),
    await clocks(masters),
  ];
}

type ByMaster<T> = readonly (T & { readonly address: string })[];

function addressOf({ options }: Redis): string {
  return `${options.host}:${options.port}`;
}

const severity = { ok: 0, warn: 1, fail: 2 } as const;

/** One finding per check: the worst of all masters, with the addresses of the masters that it applies to. */
function worstOf(checked: ByMaster<{ readonly findings: readonly Finding[] }>): Finding[] {
  const byCheck = new Map<string, { readonly address: string; readonly finding: Finding }[]>();
  for (const { address, findings } of checked) {
    for (const finding of findings)
      byCheck.set(finding.check, [...(byCheck.get(finding.check) ?? []), { address, finding }]);
  }
  return [...byCheck.values()].flatMap((all) => {
    const [worst] = [...all].sort((a, b) => severity[b.finding.level] - severity[a.finding.level]);
    if (worst === undefined) return [];
    if (worst.finding.level === "ok") return [worst.finding];
    const affected = all.filter(({ finding }) => finding.level === worst.finding.level).map(({ address }) => address);
    return [{ ...worst.finding, what: `${affected.join(", ")}: ${worst.finding.what}` }];
  });
}

async function shards(cluster: Cluster): Promise<Finding> {
  const info = String(await cluster.cluster("INFO"));
  const number = (field: string): number => Number(new RegExp(`${field}:(\\d+)`).exec(info)?.[1] ?? 0);
  const served = number("cluster_slots_ok");
  if (served === slotCount) return ok("redis cluster", `${number("cluster_size")} masters serve all slots`);
  return fail(
    "redis cluster",
    `${slotCount - served} of ${slotCount} slots have no master that answers: their sessions stall, and new ones may be refused`,
    "bring the master or one of its replicas back, or assign the slots: redis-cli --cluster fix",
  );
}

function shardedPubSub(infos: ByMaster<{ readonly info: Info }>): Finding {
  const old = infos.filter(({ info }) => Number(info.get("redis_version")?.split(".")[0] ?? 0) < minMajor);
  if (old.length === 0) return ok("sharded pub/sub", "supported");
  const addresses = old.map(({ address }) => address).join(", ");
  return fail(
    "sharded pub/sub",
    `not supported by ${addresses}, so frames are not delivered`,
    `use Redis ${minMajor}.0 or later`,
  );
}

function replicas(infos: ByMaster<{ readonly info: Info }>): Finding {
  const alone = infos.filter(({ info }) => Number(info.get("connected_slaves") ?? 0) === 0);
  if (alone.length === 0) return ok("replicas", "each master has one");
  return warn(
    "replicas",
    `${alone.map(({ address }) => address).join(", ")}: no replica, so its sessions stall while that machine is down`,
    "add a replica for each master: redis-cli --cluster add-node NEW ANY --cluster-slave",
  );
}

async function coverage(masters: readonly Redis[]): Promise<Finding> {
  const values = await Promise.all(masters.map((redis) => setting(redis, "cluster-require-full-coverage")));
  if (!values.includes("yes"))
    return ok("coverage", values.includes("no") ? "one lost master stops only its own sessions" : notReadable);
  return warn(
    "coverage",
    "cluster-require-full-coverage is yes: one lost master stops all sessions of all masters",
    "CONFIG SET cluster-require-full-coverage no on each node, and in redis.conf",
  );
}

async function failover(masters: readonly Redis[]): Promise<Finding> {
  const values = await Promise.all(masters.map(async (redis) => Number(await setting(redis, "cluster-node-timeout"))));
  const longest = Math.max(0, ...values.filter(Number.isFinite));
  if (longest <= maxNodeTimeoutMs) return ok("failover", longest === 0 ? notReadable : `after ${longest} ms`);
  return warn(
    "failover",
    `cluster-node-timeout is ${longest} ms: the sessions of a dead master stall for that long`,
    "CONFIG SET cluster-node-timeout 5000 on each node, and in redis.conf",
  );
}

async function clocks(masters: readonly Redis[]): Promise<Finding> {
  const offsets = await Promise.all(masters.map(offsetMs));
  const apart = Math.round(Math.max(...offsets) - Math.min(...offsets));
  if (apart <= maxClockDifferenceMs) return ok("masters' clocks", `at most ${apart} ms apart`);
  return warn("masters' clocks", `${apart} ms apart`, "run NTP on every machine of the Cluster");
}
