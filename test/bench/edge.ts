// What a frame costs that sessions at the edge of a market get, by process, however many they are: see docs/benchmarks.md.
// `npx tsc -b && npx tsx test/bench/edge.ts`
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, startCluster } from "@tapedeck/cli";
import { Http } from "../support/http.js";
import { startRedisServer } from "../support/redis-server.js";
import { countCpu } from "./cpu.js";
import { inTurns } from "./in-turns.js";
import { Load } from "./load.js";

const scales = (process.env.BENCH_SESSIONS ?? "100,1000,2000").split(",").map(Number);
const seconds = Number(process.env.BENCH_SECONDS ?? 15);
const warmUpMs = 6000;

const redis = await startRedisServer();
const folder = await mkdtemp(join(tmpdir(), "tapedeck-bench-"));
const cluster = await startCluster({
  gateways: 1,
  apis: 1,
  tickers: 1,
  feeds: 1,
  port: 0,
  redisUrl: redis.url,
  store: join(folder, "tapes"),
  folder,
  env: { all: { LOG_LEVEL: "warn" }, gateway: { UNREADY_MS: "0", DRAIN_MS: "0" } },
});
try {
  for (const sessions of scales) await measure(cluster, sessions);
} finally {
  await cluster.stop();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

/** As many sessions on one market, each with a socket. They are deleted afterwards. */
async function measure({ apis, gateways, tickers, feeds }: Cluster, sessions: number): Promise<void> {
  const http = new Http(apis.map(({ url }) => url));
  const load = new Load();
  const ids = await inTurns([...Array(sessions).keys()], async () => {
    const { session_id: id } = await http.create({ mode: "LIVE", source: "SIM", symbol: "BTCUSDT" });
    return id;
  });
  try {
    await load.connect(ids.map((sessionId) => ({ sessionId, url: gateways[0]?.url ?? "" })));
    await sleep(warmUpMs);
    await load.begin();
    const stopCounting = countCpu({
      feed: feeds.map(({ pid }) => pid),
      redis: [redis.pid],
      gateway: gateways.map(({ pid }) => pid),
      ticker: tickers.map(({ pid }) => pid),
    });
    await sleep(seconds * 1000);
    const used = stopCounting();
    const { seq, bytes, holes, closed } = await load.end();
    const frames = new Set(seq).size;
    const perSecond = Object.entries(used).map(([kind, us]) => `${kind} ${(us / 1000 / seconds).toFixed(1)}`);
    console.log(
      `${String(sessions).padStart(5)} sessions  ms of processor a second: ${perSecond.join(" + ")}` +
        `  gateway ${((used.gateway ?? 0) / seq.length).toFixed(1)} us a delivered frame, ${seq.length} of ${frames} made,` +
        ` ${Math.round(bytes / seq.length)} bytes, ${holes} holes, ${closed} sockets closed`,
    );
    if (holes > 0 || closed > 0 || seq.length === 0) process.exitCode = 1;
  } finally {
    await load.stop();
    await inTurns(ids, (id) => http.call("DELETE", `/sessions/${id}`));
  }
}
