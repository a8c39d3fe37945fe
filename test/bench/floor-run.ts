import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { nodeFlags } from "@tapedeck/cli";
import { freePort, startRedisServer } from "../support/redis-server.js";
import { type Clip, Load } from "./load.js";
import { type Measured, measure } from "./measure.js";
import type { Reel } from "./reel.js";

interface FloorRun {
  readonly sessions: number;
  readonly seconds: number;
  readonly warmUpMs: number;
  readonly reel: Reel;
  readonly reelFile: string;
  /** First frame of session `index`. */
  readonly fromSeq: (index: number) => number;
}

/** Plays the floor at the product's rates and measures it. */
export async function runFloor({ sessions, seconds, warmUpMs, reel, reelFile, fromSeq }: FloorRun): Promise<Measured> {
  const redis = await startRedisServer();
  const publisher = startPart();
  const gateway = startPart();
  const load = new Load();
  try {
    const port = await freePort();
    gateway.send({ role: "gateway", redisUrl: redis.url, port });
    await once(gateway, "message");
    const ids = Array.from({ length: sessions }, (_, index) => `floor_${index}`);
    await load.connect(ids.map((sessionId) => ({ sessionId, url: `http://127.0.0.1:${port}` })));
    const start = performance.timeOrigin + performance.now() + 500;
    const clips: Clip[] = ids.map((sessionId, index) => ({
      sessionId,
      fromSeq: fromSeq(index),
      anchorNs: reel.ns[fromSeq(index)] ?? 0,
      anchorWallMs: start + Math.random() * 1000,
    }));
    publisher.send({ role: "publisher", redisUrl: redis.url, reel: reelFile, clips });
    await sleep(1500 + warmUpMs);
    const pids = { ticker: [publisher.pid ?? 0], redis: [redis.pid], gateway: [gateway.pid ?? 0] };
    return await measure(load, pids, reel, seconds, async () => clips);
  } finally {
    await Promise.all([load.stop(), stopPart(publisher), stopPart(gateway)]);
    await redis.stop();
  }
}

function startPart(): ChildProcess {
  const execArgv = [...process.execArgv, ...nodeFlags];
  return fork(fileURLToPath(new URL("floor.ts", import.meta.url)), { execArgv });
}

async function stopPart(part: ChildProcess): Promise<void> {
  if (part.exitCode !== null) return;
  const gone = once(part, "exit");
  part.kill("SIGKILL");
  await gone;
}
