// What a cluster's memory does over hours of use, and how long commands take: see docs/benchmarks.md.
// npx tsx --conditions tapedeck-source test/bench/soak.ts [soaks] [seconds of each] [sockets]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startCluster } from "@tapedeck/cli";
import { WebSocket } from "ws";
import { describe } from "../support/distribution.js";
import { Http } from "../support/http.js";
import { startRedisServer } from "../support/redis-server.js";
import { Tapes } from "../support/tapes.js";
import { inTurns } from "./in-turns.js";

const [soaks = 3, seconds = 120, sockets = 400] = process.argv.slice(2).map(Number);
/** Clients that press one button after the other, and the pause between two presses in ms. */
const pressers = 12;
const restMs = 50;

const folder = await mkdtemp(join(tmpdir(), "tapedeck-soak-"));
const redis = await startRedisServer();
const tapes = new Tapes(join(folder, "tapes"));
await tapes.recorded("usdm");
await tapes.recorded("slow");
const cluster = await startCluster({
  gateways: 2,
  apis: 2,
  tickers: 2,
  feeds: 1,
  port: 0,
  redisUrl: redis.url,
  store: tapes.folder,
  folder,
  env: { all: { LOG_LEVEL: "warn", DEFAULT_TAPE: "usdm" }, feed: { FRAME_MS: "250" } },
});
const http = new Http([cluster.url]);
try {
  await report("before", []);
  for (let soak = 1; soak <= soaks; soak++) {
    await report(`soak ${soak}`, await run(soak));
    await sleep(10_000); // what ends with its sessions has ended
    await report(`soak ${soak}, 10 s after`, []);
  }
} finally {
  await cluster.stop();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

interface Press {
  readonly what: string;
  readonly ms: number;
}

/** One crowd of users, from their coming to their leaving. */
async function run(soak: number): Promise<Press[]> {
  const presses: Press[] = [];
  const ids = await inTurns(
    Array.from({ length: sockets }, (_, index) => index),
    async (index) => (await http.create(choiceOf(soak, index))).session_id,
  );
  const open = await inTurns(ids, watch);
  const until = performance.now() + seconds * 1000;
  await Promise.all(Array.from({ length: pressers }, (_, at) => press(ids, at, until, presses)));
  for (const socket of open) socket.close();
  await inTurns(ids, (id) => http.delete(id));
  return presses;
}

function choiceOf(soak: number, index: number): Record<string, unknown> {
  const nth = Math.floor(index / 3);
  switch (index % 3) {
    case 0:
      return { tape: nth % 2 === 0 ? "slow" : "usdm", loop: true };
    case 1:
      return { mode: "LIVE", source: "SIM", symbol: ["BTCUSDT", "ETHUSDT"][nth % 2] };
    default:
      return { mode: "SIMULATION", seed: soak * 10 + (nth % 8) };
  }
}

async function watch(id: string): Promise<WebSocket> {
  const socket = new WebSocket(`${cluster.url.replace("http", "ws")}/ws?session_id=${id}`, "tapedeck.v1");
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("message", resolve));
  await http.control(id, "start");
  return socket;
}

async function press(ids: readonly string[], first: number, until: number, presses: Press[]): Promise<void> {
  for (let index = first; performance.now() < until; index += pressers) {
    const id = ids[index % ids.length] ?? "";
    const round: readonly [method: string, path: string, body?: unknown][] = [
      ["POST", `/replay/pause/${id}`],
      ["POST", `/replay/step/${id}`, { frames: 1 }],
      ["POST", `/replay/resume/${id}`],
      ["GET", `/sessions/${id}`],
      ["GET", `/features?session_id=${id}`],
      ["POST", `/replay/goback/1/${id}`],
      ["GET", `/trades/vpin?session_id=${id}`],
      ["GET", "/tapes"],
      ["GET", "/sessions?limit=50"],
    ];
    for (const [method, path, body] of round) {
      const at = performance.now();
      const { status } = await http.call(method, path, body);
      const what = `${method} ${path.replace(id, "ID")}`;
      if (status !== 200) console.log(`${what} answered ${status}`);
      presses.push({ what, ms: performance.now() - at });
      await sleep(restMs);
    }
  }
}

async function report(when: string, presses: readonly Press[]): Promise<void> {
  const memory: string[] = [];
  for (const { url } of cluster.apis) {
    const text = await (await fetch(`${url}/metrics`, { headers: { accept: "text/plain" } })).text();
    const mb = (name: string) =>
      Math.round(Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, "m").exec(text)?.[1] ?? 0) / 2 ** 20);
    memory.push(
      `rss ${mb("process_resident_memory_bytes")} (heap ${mb("nodejs_heap_size_used_bytes")} of ${mb("nodejs_heap_size_total_bytes")}, ` +
        `outside ${mb("nodejs_external_memory_bytes")}, blocks ${mb("tapedeck_block_cache_bytes")})`,
    );
  }
  console.log(`${when}: api MB ${memory.join("; ")}`);
  if (presses.length === 0) return;
  const kinds = byKind(presses);
  console.log(`  all ${describe(presses.map(({ ms }) => ms))} ms of ${presses.length}`);
  for (const [what, of] of kinds) console.log(`  ${what} ${describe(of.map(({ ms }) => ms))}`);
}

function byKind(presses: readonly Press[]): Map<string, Press[]> {
  const kinds = new Map<string, Press[]>();
  for (const press of presses) kinds.set(press.what, [...(kinds.get(press.what) ?? []), press]);
  return kinds;
}
