import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, startCluster } from "@tapedeck/cli";
import { decodeRecord, keysWith } from "@tapedeck/sessions";
import { Redis } from "ioredis";
import { Http } from "../support/http.js";
import { startRedisServer } from "../support/redis-server.js";
import { inTurns } from "./in-turns.js";
import { type Clip, Load } from "./load.js";
import { type Measured, measure } from "./measure.js";
import type { Reel } from "./reel.js";

interface ProductRun {
  readonly sessions: number;
  readonly seconds: number;
  readonly warmUpMs: number;
  readonly store: string;
  readonly tape: string;
  readonly reel: Reel;
  /** Playing time of a tape time. */
  readonly playingOf: (ns: number) => number;
  readonly fromSeq: (index: number) => number;
  /** Load through the balancer, and count it. */
  readonly balanced?: boolean;
}

/** Plays the product, one process of each kind as in the floor, at the same rates and measures it. */
export async function runProduct(run: ProductRun): Promise<Measured> {
  const redisServer = await startRedisServer();
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-bench-"));
  const redis = new Redis(redisServer.url);
  const load = new Load();
  let cluster: Cluster | undefined;
  try {
    cluster = await startCluster({
      gateways: 1,
      apis: 1,
      tickers: 1,
      port: 0,
      redisUrl: redisServer.url,
      store: run.store,
      folder,
      env: { all: { LOG_LEVEL: "warn" }, gateway: { UNREADY_MS: "0", DRAIN_MS: "0" } },
    });
    return await measureCluster(run, cluster, load, redis, redisServer.pid);
  } finally {
    await load.stop();
    await cluster?.stop();
    redis.disconnect();
    await redisServer.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureCluster(
  { sessions, seconds, warmUpMs, tape, reel, playingOf, fromSeq, balanced = false }: ProductRun,
  cluster: Cluster,
  load: Load,
  redis: Redis,
  redisPid: number,
): Promise<Measured> {
  const http = new Http(cluster.apis.map(({ url }) => url));
  const ids = await inTurns(
    Array.from({ length: sessions }, (_, index) => index),
    async (index) => {
      const { session_id: id } = await http.create({ tape });
      await http.control(id, "seek", { seq: fromSeq(index) });
      return id;
    },
  );
  const urls = balanced ? [cluster.url] : cluster.gateways.map(({ url }) => url);
  await load.connect(ids.map((sessionId, index) => ({ sessionId, url: urls[index % urls.length] ?? "" })));
  await inTurns(ids, async (id) => {
    // Spread over an interval of the tape, so that not all frames are due at once.
    await sleep(Math.random() * 20);
    await http.control(id, "start");
  });
  await sleep(warmUpMs);
  const clipsOf = async (): Promise<Clip[]> => {
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hgetall(keysWith("tapedeck").session(id));
    const hashes = (await pipeline.exec()) ?? [];
    return hashes.map(([error, hash], index) => {
      if (error || typeof hash !== "object" || hash === null) throw error ?? new Error(`${ids[index]} is gone`);
      const { anchorWallMs, anchorSeq, anchorNs } = decodeRecord({ ...hash });
      const sessionId = ids[index] ?? "";
      return { sessionId, anchorWallMs, anchorNs: playingOf(anchorNs), fromSeq: anchorSeq };
    });
  };
  const pids = {
    ticker: cluster.tickers.map(({ pid }) => pid),
    redis: [redisPid],
    gateway: cluster.gateways.map(({ pid }) => pid),
    ...(balanced && cluster.balancer && { balancer: [cluster.balancer.pid] }),
  };
  return measure(load, pids, reel, seconds, clipsOf);
}
