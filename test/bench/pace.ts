// What a frame costs in lossless pace, by process, and how fast one session goes: see docs/benchmarks.md.
// `npx tsc -b && node scripts/bundle-processes.mjs && npx tsx test/bench/pace.ts`
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, startCluster } from "@tapedeck/cli";
import { FolderTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { WebSocket } from "ws";
import { Http } from "../support/http.js";
import { startRedisServer } from "../support/redis-server.js";
import { countCpu } from "./cpu.js";

const windows = (process.env.BENCH_WINDOWS ?? "1,8,64,500").split(",").map(Number);
const seconds = Number(process.env.BENCH_SECONDS ?? 8);
const warmUpMs = 2000;

const redis = await startRedisServer();
const folder = await mkdtemp(join(tmpdir(), "tapedeck-bench-"));
const store = join(folder, "tapes");
await writeTestTape(new FolderTapeStore(store), { frames: 20_000 });
const cluster = await startCluster({
  ...{ gateways: 1, apis: 1, tickers: 1, feeds: 0, port: 0, redisUrl: redis.url, store, folder },
  env: { all: { LOG_LEVEL: "warn", DEFAULT_TAPE: "test" }, gateway: { UNREADY_MS: "0", DRAIN_MS: "0" } },
});
try {
  for (const window of windows) await measure(cluster, window);
} finally {
  await cluster.stop();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

/** One session in a loop over the tape, with a reader that acknowledges when a chunk of frames has arrived. */
async function measure({ apis, gateways, tickers }: Cluster, window: number): Promise<void> {
  const http = new Http(apis.map(({ url }) => url));
  const { session_id: id } = await http.create({ pace: "lossless", window, loop: true });
  const url = `${gateways[0]?.url.replace("http", "ws")}/ws/${id}?reader=bench`;
  const socket = new WebSocket(url, ["tapedeck.v1"], { perMessageDeflate: false });
  let [frames, bytes, holes, seq, epoch, acked, due] = [0, 0, 0, -1, 0, -1, false];
  const acknowledge = () => {
    due = false;
    acked = seq;
    socket.send(`{"type":"ack_frame","epoch":${epoch},"seq":${seq}}`);
  };
  socket.on("message", (data) => {
    const text = data.toString();
    if (!text.startsWith('{"type":"snapshot"')) {
      const found = /"epoch":(\d+)/.exec(text);
      if (found && Number(found[1]) !== epoch) {
        epoch = Number(found[1]);
        seq = acked = -1;
      }
      if (!text.startsWith('{"type":"history"')) return;
      seq = Number(/.*"seq":(\d+)/.exec(text)?.[1] ?? -1);
    } else {
      const next = Number(/"seq":(\d+)/.exec(text)?.[1]);
      if (next !== seq + 1) holes++;
      seq = next;
      frames++;
      bytes += text.length;
    }
    if (seq - acked >= window / 4) acknowledge();
    else if (!due) {
      due = true;
      setImmediate(() => due && acknowledge());
    }
  });
  await http.control(id, "start");
  await sleep(warmUpMs);
  [frames, bytes, holes] = [0, 0, 0];
  const stopCounting = countCpu({
    redis: [redis.pid],
    gateway: gateways.map(({ pid }) => pid),
    ticker: tickers.map(({ pid }) => pid),
  });
  const began = performance.now();
  await sleep(seconds * 1000);
  const used = stopCounting();
  const took = (performance.now() - began) / 1000;
  const total = Object.values(used).reduce((sum, us) => sum + us, 0);
  const each = Object.entries(used).map(([kind, us]) => `${kind} ${(us / frames).toFixed(1)}`);
  console.log(
    `window ${String(window).padStart(4)}  ${Math.round(frames / took)} frames a second on the wall,` +
      ` us of processor a frame: ${each.join(" + ")}, so ${Math.round(1e6 / (total / frames))} a second and core;` +
      ` ${Math.round(bytes / frames)} bytes, ${holes} holes`,
  );
  if (holes > 0 || frames === 0) process.exitCode = 1;
  socket.terminate();
  await http.call("DELETE", `/sessions/${id}`);
}
