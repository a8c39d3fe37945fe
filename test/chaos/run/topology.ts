import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { RedisClusterServers } from "../../support/redis-cluster.js";
import { RestartableRedis } from "../../support/redis-server.js";
import { SentinelRedis } from "../../support/sentinel.js";
import type { Fault, Strike } from "./faults.js";
import { type Line, Lines } from "./lines.js";
import type { Random } from "./random.js";

export const topologies = ["single", "sentinel", "cluster"] as const;
export type TopologyName = (typeof topologies)[number];

/** The Redis of a run, and what can happen to it. */
export interface Topology {
  readonly redisUrl: string;
  readonly faults: readonly Fault[];
  /** Other ways to it that can be cut: one for a ticker, one for a gateway. None where Redis names its addresses itself. */
  readonly lines: readonly Line[];
  /** Of Redis's processes. */
  pids(): readonly number[];
  /** Of the processes that only the harness needs. */
  readonly harnessPids: readonly number[];
  stop(): Promise<void>;
}

/** @param sessionKey the key of a session's hash, by its id */
export function startTopology(name: TopologyName, sessionKey: (id: string) => string): Promise<Topology> {
  if (name === "sentinel") return startSentinel();
  return name === "cluster" ? startCluster(sessionKey) : startSingle();
}

const everybody = () => true;
/** Beyond the failover's own time. */
const targetMs = 300;

/** A Redis that keeps what it acknowledged. */
async function startSingle(): Promise<Topology> {
  const redis = new RestartableRedis({ keepsData: true, syncs: false });
  await redis.start();
  const lines = await Lines.to(Number(new URL(redis.url).port), 2);
  const fault = (name: string, weight: number, run: (random: Random) => Promise<unknown>): Fault => ({
    ...{ name, weight, losesWrites: false },
    prepare: async (random) => ({ affects: everybody, run: () => run(random).then(() => undefined) }),
  });
  return {
    redisUrl: redis.url,
    lines: lines.all,
    faults: [
      fault("Redis connections cut", 1, () => cutConnections(redis.url)),
      fault("Redis frozen", 1, async (random) => {
        redis.freeze();
        await sleep(random.between(300, 5_000));
        redis.thaw();
      }),
      fault("Redis restarted", 1, async () => {
        await redis.stop();
        await redis.start();
      }),
    ],
    pids: () => [redis.pid],
    harnessPids: [lines.pid],
    stop: async () => {
      await lines.close();
      await redis.dispose();
    },
  };
}

async function cutConnections(url: string): Promise<void> {
  const redis = new Redis(url);
  try {
    for (const type of ["NORMAL", "PUBSUB"] as const) await redis.call("CLIENT", "KILL", "TYPE", type, "SKIPME", "YES");
  } finally {
    redis.disconnect();
  }
}

/** A replica is asynchronous: what its master acknowledged last may be lost with the master. */
async function startSentinel(): Promise<Topology> {
  const redis = await SentinelRedis.start();
  const fault = (name: string, run: (random: Random) => Promise<number>): Fault => ({
    ...{ name, weight: 3, losesWrites: true, targetMs },
    prepare: async (random) => ({ affects: everybody, run: () => run(random) }),
  });
  return {
    redisUrl: redis.url,
    lines: [],
    faults: [
      fault("Redis master killed", async () => {
        redis.killMaster();
        const at = await redis.replaced();
        await redis.replaceMaster();
        return at;
      }),
      fault("Redis master frozen", async (random) => {
        redis.freezeMaster();
        const at = await redis.replaced();
        await sleep(random.between(200, 2_000));
        redis.thawMaster();
        await redis.replaceMaster();
        return at;
      }),
    ],
    pids: () => redis.pids,
    harnessPids: [],
    stop: () => redis.stop(),
  };
}

async function startCluster(sessionKey: (id: string) => string): Promise<Topology> {
  const masters = 3;
  const servers = await RedisClusterServers.start({ masters, replicas: masters });
  const fault = (name: string, fail: (nth: number, random: Random) => Promise<number>): Fault => ({
    ...{ name, weight: 3, losesWrites: true, targetMs },
    prepare: async (random, viewers): Promise<Strike> => {
      const nth = random.below(masters);
      const sessions = [...new Set(viewers.map(({ session }) => session))];
      const places = await Promise.all(sessions.map((id) => servers.masterOf(sessionKey(id))));
      const own = new Set(sessions.filter((_, at) => places[at] === nth));
      const run = async () => {
        const at = await fail(nth, random);
        await servers.revive(nth);
        return at;
      };
      return { affects: ({ session }) => own.has(session), run };
    },
  });
  return {
    redisUrl: servers.url,
    lines: [],
    faults: [
      fault("Redis master killed", async (nth) => {
        servers.kill(nth);
        return servers.replaced(nth);
      }),
      fault("Redis master frozen", async (nth, random) => {
        servers.freeze(nth);
        const at = await servers.replaced(nth);
        await sleep(random.between(200, 2_000));
        servers.thaw(nth);
        return at;
      }),
    ],
    pids: () => servers.pids,
    harnessPids: [],
    stop: () => servers.stop(),
  };
}
