import { setTimeout as sleep } from "node:timers/promises";
import { RedisClusterServers } from "../../support/redis-cluster.js";
import { RestartableRedis } from "../../support/redis-server.js";
import { RetargetableProxy } from "../../support/retargetable-proxy.js";
import { SentinelRedis } from "../../support/sentinel.js";
import type { Fault } from "./faults.js";
import type { Random } from "./random.js";

export const topologies = ["single", "sentinel", "cluster"] as const;
export type TopologyName = (typeof topologies)[number];

/** The Redis of a run, and what can happen to it. */
export interface Topology {
  readonly redisUrl: string;
  readonly faults: readonly Fault[];
  stop(): Promise<void>;
}

export function startTopology(name: TopologyName): Promise<Topology> {
  if (name === "sentinel") return startSentinel();
  return name === "cluster" ? startCluster() : startSingle();
}

/** A Redis that keeps what it acknowledged, behind a proxy that can break its connections. */
async function startSingle(): Promise<Topology> {
  const redis = new RestartableRedis({ keepsData: true, syncs: false });
  await redis.start();
  const proxy = await RetargetableProxy.to(() => Number(new URL(redis.url).port));
  const freeze = async (random: Random) => {
    redis.freeze();
    await sleep(random.between(300, 5_000));
    redis.thaw();
  };
  return {
    redisUrl: `redis://127.0.0.1:${proxy.port}`,
    faults: [
      { name: "Redis connections cut", weight: 2, losesWrites: false, run: async () => proxy.cut() },
      { name: "Redis frozen", weight: 2, losesWrites: false, run: freeze },
      {
        name: "Redis restarted",
        weight: 1,
        losesWrites: false,
        run: async () => {
          await redis.stop();
          await redis.start();
        },
      },
    ],
    stop: async () => {
      await proxy.close();
      await redis.dispose();
    },
  };
}

/** A replica is asynchronous: what its master acknowledged last may be lost with the master. */
async function startSentinel(): Promise<Topology> {
  const redis = await SentinelRedis.start();
  const killMaster = async () => {
    redis.killMaster();
    await redis.replaceMaster();
  };
  return {
    redisUrl: redis.url,
    faults: [{ name: "Redis master killed", weight: 4, losesWrites: true, run: killMaster }],
    stop: () => redis.stop(),
  };
}

async function startCluster(): Promise<Topology> {
  const masters = 3;
  const servers = await RedisClusterServers.start({ masters, replicas: masters });
  const killMaster = async (random: Random) => {
    const nth = random.below(masters);
    servers.kill(nth);
    await servers.revive(nth);
  };
  return {
    redisUrl: servers.url,
    faults: [{ name: "Redis master killed", weight: 4, losesWrites: true, run: killMaster }],
    stop: () => servers.stop(),
  };
}
