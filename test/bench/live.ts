// What a frame of a live tape costs the feed that appends it, Redis, and each process that follows it, however many sessions
// watch there: `npx tsc -b && npx tsx test/bench/live.ts`. See docs/benchmarks.md.
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { LiveTapes, LiveTapeWriter } from "@tapedeck/live";
import type { FrameParts } from "@tapedeck/market";
import { connectRedis, createLogger } from "@tapedeck/runtime";
import { keysWith } from "@tapedeck/sessions";
import { BlockCache, MemoryTapeStore } from "@tapedeck/tape";
import { testFrames } from "@tapedeck/tape/testing";
import { startRedisServer } from "../support/redis-server.js";
import { countCpu } from "./cpu.js";

const feeds = Number(process.env.BENCH_FEEDS ?? 20);
const seconds = Number(process.env.BENCH_SECONDS ?? 20);
const framesPerSecond = 10;
const warmUpSeconds = 3;

const keys = keysWith("bench");
const log = createLogger({ service: "bench", node: "bench", level: "error" });
const symbols = Array.from({ length: feeds }, (_, at) => `BENCH${at}`);
const startNs = 1_723_118_400_000_000_000n;

const [url = "", listeners = ""] = process.argv.slice(2);
if (listeners === "") await measure();
else await follow(url, Number(listeners));

async function measure(): Promise<void> {
  const server = await startRedisServer();
  console.log(`${feeds} feeds of ${framesPerSecond} frames a second, ${seconds} s; us a frame and process`);
  try {
    for (const listening of [0, 1, 1_000]) await run(server.url, server.pid, listening);
  } finally {
    await server.stop();
  }
}

async function run(redisUrl: string, redisPid: number, listening: number): Promise<void> {
  const redis = connectRedis({ url: redisUrl, purpose: "commands", name: "bench", log });
  await redis.flushall();
  const store = new MemoryTapeStore();
  const writers = await Promise.all(
    symbols.map((symbol) =>
      LiveTapeWriter.claim({
        redis,
        keys,
        store,
        source: "SIM",
        symbol,
        node: "bench",
        decimals: 3,
        intervalMs: 1000 / framesPerSecond,
        precision: { priceDecimals: 2, sizeDecimals: 3 },
        log,
      }),
    ),
  );
  const follower = listening === 0 ? undefined : fork(fileURLToPath(import.meta.url), [redisUrl, `${listening}`]);
  if (follower !== undefined) await once(follower, "message");
  const frames = [...testFrames({ frames: (warmUpSeconds + seconds) * framesPerSecond })].map(deepened);
  let count: (() => Record<string, number>) | undefined;
  let bytes = 0;
  const began = performance.now();
  for (const [at, frame] of frames.entries()) {
    // The feeds' clocks are out of step.
    for (const [nth, writer] of writers.entries()) {
      const due = began + (at + nth / feeds) * (1000 / framesPerSecond);
      if (due > performance.now()) await sleep(due - performance.now());
      void writer.append(frame, startNs);
      bytes = frame.head.length;
    }
    if (at + 1 === warmUpSeconds * framesPerSecond) {
      const ours = { feed: [process.pid], redis: [redisPid] };
      count = countCpu(follower?.pid === undefined ? ours : { ...ours, follower: [follower.pid] });
    }
  }
  await Promise.all(writers.map((writer) => writer.settled()));
  const used = Object.entries(count?.() ?? {}).map(
    ([who, us]) => `${who} ${(us / (seconds * framesPerSecond * feeds)).toFixed(1)}`,
  );
  console.log(
    `${String(listening).padStart(5)} listeners a feed  ${used.join("  ")}  (frames of ${bytes} bytes and their trades)`,
  );
  follower?.send("end");
  if (follower !== undefined) await once(follower, "exit");
  redis.disconnect();
}

/** Ten more levels a side. */
function deepened(frame: FrameParts): FrameParts {
  const more = JSON.stringify(Array.from({ length: 10 }, (_, level) => [59_000 + level / 100, level + 0.125]));
  return { ...frame, head: `${frame.head},"more_bids":${more},"more_asks":${more}` };
}

/** A separate process, like a gateway with this many sessions on each feed. */
async function follow(redisUrl: string, listening: number): Promise<void> {
  const redis = connectRedis({ url: redisUrl, purpose: "commands", name: "follower", log });
  const subscriber = connectRedis({ url: redisUrl, purpose: "subscriber", name: "follower", log });
  const cache = new BlockCache(64 << 20);
  const live = new LiveTapes({ redis, subscriber, keys, store: new MemoryTapeStore(), cache, log });
  let received = 0;
  const listener = () => ({ frame: () => void received++, state: () => undefined });
  for (const symbol of symbols) for (let n = 0; n < listening; n++) live.follow("SIM", symbol, listener());
  process.send?.("ready");
  await once(process, "message");
  if (received === 0) throw new Error("no frame was received");
  await live.close();
  for (const connection of [redis, subscriber]) connection.disconnect();
  process.disconnect();
}
