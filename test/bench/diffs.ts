// What a diff of the book costs that a venue delivers, beside a bare server which sends texts of the same lengths at the same times: see docs/benchmarks.md.
// `npm run bench` runs it; alone: `npx tsc -b && node scripts/bundle-processes.mjs && npx tsx test/bench/diffs.ts`
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Cluster, nodeFlags, startCluster } from "@tapedeck/cli";
import type { Tape } from "@tapedeck/tape";
import { WebSocket } from "ws";
import { z } from "zod";
import { Http } from "../support/http.js";
import { startRedisServer } from "../support/redis-server.js";
import { recordedFiles, Tapes } from "../support/tapes.js";
import { countCpu } from "./cpu.js";
import type { Sending } from "./diffs/floor-server.js";
import { inTurns } from "./in-turns.js";

const seconds = Number(process.env.BENCH_SECONDS ?? 15);
/** At 1x; at other speeds as many as make the same number of diffs. */
const botsAtOnce = Number(process.env.BENCH_BOTS ?? 100);
const speeds = (process.env.BENCH_SPEEDS ?? "1,10").split(",").map(Number);
/** Until the code of both has been compiled. */
const warmUpMs = 5_000;
/** Sessions are spread over so much of the recording. */
const spreadFrames = 1_000;
const stream = "btcusdt@depth";

/** What sockets receive, from `begin` on. */
class Listeners {
  readonly sent: Sending[] = [];
  readonly #sockets: WebSocket[] = [];
  #beganAt = Number.POSITIVE_INFINITY;

  async connect(urls: readonly string[]): Promise<void> {
    await inTurns(urls, async (url, seat) => {
      const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
      this.#sockets.push(socket);
      socket.on("message", (data: Buffer) => {
        const atMs = performance.now() - this.#beganAt;
        if (atMs >= 0) this.sent.push({ seat, atMs, length: data.length });
      });
      await once(socket, "open");
    });
  }

  begin(): void {
    this.#beganAt = performance.now();
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}

if (recordedFiles("primary").length === 0) {
  console.error("SKIPPED: the futures recording of 2023 is not there (TAPEDECK_TEST_DATA).");
  process.exit();
}
const folder = await mkdtemp(join(tmpdir(), "tapedeck-bench-"));
const redis = await startRedisServer();
try {
  const tapes = new Tapes(join(folder, "tapes"));
  const tape = await tapes.recorded("primary");
  const cluster = await startCluster({
    ...{ gateways: 1, apis: 1, tickers: 1, feeds: 0, venues: 1, port: 0, balancer: false },
    ...{ redisUrl: redis.url, store: tapes.folder, folder },
    env: { all: { LOG_LEVEL: "warn" }, venue: { UNREADY_MS: "0", DRAIN_MS: "0", REQUEST_WEIGHT: "100000000" } },
  });
  try {
    for (const speed of speeds) await measure(cluster, tape, speed);
  } finally {
    await cluster.stop();
  }
} finally {
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

async function measure(cluster: Cluster, tape: Tape, speed: number): Promise<void> {
  const bots = Math.max(1, Math.round(botsAtOnce / speed));
  const http = new Http(cluster.apis.map(({ url }) => url));
  const venue = cluster.venues[0];
  if (venue === undefined) throw new Error("no venue");
  const ids = await inTurns([...Array(bots).keys()], async (nth) => {
    const { session_id: id } = await http.create({ tape: tape.id.split("@")[0], max_fps: 1, speed });
    await http.control(id, "seek", { seq: 100 + ((nth * 7_919) % spreadFrames) });
    return id;
  });
  const listeners = new Listeners();
  await listeners.connect(ids.map((id) => `${venue.url.replace("http", "ws")}/venue/binance-usdm/${id}/ws/${stream}`));
  await inTurns(ids, (id) => http.control(id, "start"));
  await sleep(warmUpMs);
  listeners.begin();
  const usOfVenue = await cpuWhile(venue.pid);
  listeners.close();
  await inTurns(ids, (id) => http.delete(id));
  const { sent } = listeners;
  const usOfFloor = await runFloor(bots, sent);
  const bytes = sent.reduce((sum, { length }) => sum + length, 0) / sent.length;
  console.log(
    `${bots} bots at ${speed}x: ${Math.round(sent.length / seconds)} diffs a second of ${Math.round(bytes)} bytes;` +
      ` us of processor a diff: venue ${(usOfVenue / sent.length).toFixed(1)}, floor ${(usOfFloor / sent.length).toFixed(1)}, ratio ${(usOfVenue / usOfFloor).toFixed(1)}`,
  );
}

async function cpuWhile(pid: number): Promise<number> {
  const used = countCpu({ venue: [pid] });
  await sleep(seconds * 1_000);
  return used().venue ?? 0;
}

/** The same texts, by length, at the same times. */
async function runFloor(bots: number, sent: readonly Sending[]): Promise<number> {
  const server = fork(fileURLToPath(new URL("diffs/floor-server.ts", import.meta.url)), {
    execArgv: [...process.execArgv, ...nodeFlags],
    serialization: "advanced",
  });
  const listeners = new Listeners();
  try {
    const ended = once(server, "exit").then(([code]) =>
      Promise.reject(new Error(`the floor's server ended with ${code}`)),
    );
    const said = () => Promise.race([once(server, "message"), ended]);
    const [port] = z
      .tuple([z.number()])
      .rest(z.unknown())
      .parse(await said());
    ended.catch(() => {}); // after the measurement it has to
    await listeners.connect([...Array(bots).keys()].map((seat) => `ws://127.0.0.1:${port}/${seat}`));
    server.send(sent);
    await said(); // it has begun
    return await cpuWhile(server.pid ?? 0);
  } finally {
    listeners.close();
    server.disconnect();
  }
}
