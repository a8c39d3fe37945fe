// How soon a venue answers its bots, how soon it tells them what happens, and what both cost, beside a bare server: see docs/benchmarks.md.
// `npm run bench` runs it; alone: `npx tsc -b && node scripts/bundle-processes.mjs && npx tsx test/bench/bots.ts`
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Cluster, nodeFlags, startCluster } from "@tapedeck/cli";
import { createVenueKeyAnswer } from "@tapedeck/protocol";
import { decodeRecord, keysWith, type SessionRecord, wallAt } from "@tapedeck/sessions";
import { pinnedTrackOf, type Tape } from "@tapedeck/tape";
import { Redis } from "ioredis";
import { z } from "zod";
import { describe } from "../support/distribution.js";
import { Http } from "../support/http.js";
import { startRedisServer } from "../support/redis-server.js";
import { recordedFiles, Tapes } from "../support/tapes.js";
import { type BotSeat, BotsLoad, type BotsReport, type PriceAt } from "./bots/load.js";
import { countCpu } from "./cpu.js";
import { inTurns } from "./in-turns.js";

const bots = Number(process.env.BENCH_BOTS ?? 500);
const seconds = Number(process.env.BENCH_SECONDS ?? 20);
/** From one action of a bot to the next, on average. */
const everyMs = Number(process.env.BENCH_EVERY_MS ?? 5_000);
const venues = Number(process.env.BENCH_VENUES ?? 1);
/** To the venue and back, which the session's owner has set. */
const latencyMs = 5;
const symbol = "BTCUSDT";
const amount = "0.010";
const pricesEveryMs = 500;
/** Sessions are spread over so much of the recording. */
const spreadFrames = 2_000;

if (recordedFiles("primary").length === 0) {
  console.error("SKIPPED: the futures recording of 2023 is not there (TAPEDECK_TEST_DATA).");
  process.exit();
}
const folder = await mkdtemp(join(tmpdir(), "tapedeck-bench-"));
try {
  const tapes = new Tapes(join(folder, "tapes"));
  const tape = await tapes.recorded("primary");
  const ours = await runVenue(tape, tapes.folder);
  const floor = await runFloor(ours);
  printCosts(ours, floor);
} finally {
  await rm(folder, { recursive: true, force: true });
}

interface Market {
  readonly seats: readonly BotSeat[];
  /** By seat. */
  readonly prices: readonly (readonly PriceAt[])[];
}

interface Costs {
  readonly report: BotsReport;
  /** Microseconds of processor time in the measured seconds, by kind of process. */
  readonly used: Readonly<Record<string, number>>;
}

async function runVenue(tape: Tape, store: string): Promise<Costs & Market> {
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  const load = new BotsLoad();
  let cluster: Cluster | undefined;
  try {
    cluster = await startCluster({
      ...{ gateways: 1, apis: 1, tickers: 1, feeds: 0, venues, port: 0, balancer: false },
      ...{ redisUrl: server.url, store, folder: await mkdtemp(join(folder, "cluster-")) },
      env: {
        all: { LOG_LEVEL: "warn" },
        venue: { UNREADY_MS: "0", DRAIN_MS: "0", REQUEST_WEIGHT: "100000000" },
        gateway: { UNREADY_MS: "0", DRAIN_MS: "0" },
      },
    });
    const started = cluster;
    const http = new Http(started.apis.map(({ url }) => url));
    const ids = await inTurns([...Array(bots).keys()], (nth) => openSession(http, started, tape, nth));
    const seats = ids.map(({ id, apiKey, secret }, nth): BotSeat => {
      const url = `${started.venues[nth % venues]?.url}/venue/binance/${id}`;
      return { url, apiKey, secret };
    });
    await load.connect(seats, symbol, amount);
    await inTurns(ids, ({ id }) => http.control(id, "start"));
    const records = await inTurns(ids, ({ id }) => recordOf(redis, id));
    const prices = await pricesOf(tape, records);
    const pids = { venue: started.venues.map(({ pid }) => pid), redis: [server.pid] };
    const idle = countCpu(pids);
    await sleep(4_000);
    const resting = idle();
    const beganMs = performance.now();
    await load.begin(everyMs, prices);
    console.log(`the first action of each bot took ${((performance.now() - beganMs) / 1_000).toFixed(0)} s together`);
    const used = countCpu(pids);
    await sleep(seconds * 1_000);
    const cost = used();
    const report = await load.end();
    if (report.closed > 0) throw new Error(`${report.closed} sockets were closed during the measurement`);
    printLateness(report, tape, records);
    console.log(
      `idle: ${bots} bots that are connected and do nothing cost ${perSecond(resting.venue, 4)} of a venue's core, ${perSecond(resting.redis, 4)} of Redis's`,
    );
    await printMemory(
      redis,
      ids.map(({ id }) => id),
    );
    return { report, used: cost, seats, prices };
  } finally {
    await load.stop();
    await cluster?.stop();
    redis.disconnect();
    await server.stop();
  }
}

/** A session that plays, from a place of its own. Its frames, which nobody watches, are few. */
async function openSession(http: Http, cluster: Cluster, tape: Tape, nth: number) {
  const { session_id: id } = await http.create({ tape: tape.id.split("@")[0], max_fps: 1 });
  const api = cluster.apis[0]?.url;
  const latency = { kind: "constant", ms: latencyMs };
  const body = JSON.stringify({
    account: { kind: "spot", base: "1000", quote: "100000000" },
    latency: { entry: latency, response: latency },
  });
  const set = await fetch(`${api}/sessions/${id}/trading`, { method: "PUT", body });
  if (!set.ok) throw new Error(`${set.status} ${await set.text()}`);
  const made = await fetch(`${api}/sessions/${id}/venue-keys`, { method: "POST", body: "{}" });
  const { api_key: apiKey, secret = "" } = createVenueKeyAnswer.parse(await made.json());
  await http.control(id, "seek", { seq: 100 + ((nth * 7_919) % spreadFrames) });
  return { id, apiKey, secret };
}

async function recordOf(redis: Redis, id: string): Promise<SessionRecord> {
  return decodeRecord(await redis.hgetall(keysWith("tapedeck").session(id)));
}

/** What each bot will see as best prices, without asking. */
async function pricesOf(tape: Tape, records: readonly SessionRecord[]): Promise<PriceAt[][]> {
  const track = await pinnedTrackOf(tape);
  const timeline = tape.timeline("skip");
  const lasts = (seconds + 180) * 1_000;
  const known = new Map<number, { bid: string; ask: string }>();
  const stepNs = pricesEveryMs * 1e6;
  return inTurns(records, async (record) => {
    const found: PriceAt[] = [];
    const first = Math.floor(record.anchorNs / stepNs);
    for (let step = first; step - first < lasts / pricesEveryMs && step * stepNs < tape.span.lastNs; step++) {
      let best = known.get(step);
      if (best === undefined) {
        const { bids, asks } = await track.bookAt({ ts: tape.startNs + BigInt(step * stepNs) });
        best = { bid: (bids[0]?.[0] ?? 0).toFixed(1), ask: (asks[0]?.[0] ?? 0).toFixed(1) };
        known.set(step, best);
      }
      found.push({ atMs: wallAt(record, step * stepNs, timeline), ...best });
    }
    return found;
  });
}

/** Beyond the latencies that were set. */
function printLateness(
  { answered, heard, refused, orders }: BotsReport,
  tape: Tape,
  records: readonly SessionRecord[],
): void {
  console.log(
    `${bots} bots on ${venues} venue process(es), ${seconds} s: ${answered.length} answers (${refused} refusals), ${orders} orders`,
  );
  for (const via of ["REST", "WebSocket API"] as const) {
    const took = answered.filter((each) => each.via === via).map(({ tookMs }) => tookMs - 2 * latencyMs);
    console.log(`order to answer, ${via}: ${describe(took)} ms beyond the session's latencies of ${2 * latencyMs} ms`);
  }
  const timeline = tape.timeline("skip");
  for (const cause of ["market", "order"] as const) {
    const late = heard
      .filter((each) => each.cause === cause)
      .flatMap(({ seat, happenedMs, atMs }) => {
        const record = records[seat];
        if (record === undefined) return [];
        const ns = tapeNsOf(happenedMs, record, tape);
        return [atMs - wallAt(record, ns, timeline) - latencyMs];
      });
    const what = cause === "market" ? "market event (a fill of a resting order)" : "an order's arrival";
    console.log(
      `${what} to user stream: ${describe(late)} ms beyond the latency of ${latencyMs} ms, ${late.length} events`,
    );
  }
}

/** A time of the venue on the tape: in a whole epoch it is shifted by the same amount, to the wall time at which the epoch began. */
function tapeNsOf(ms: number, { epoch, anchorNs }: SessionRecord, { startNs }: Tape): number {
  const beganMs = (startNs + BigInt(Math.floor(anchorNs))) / 1_000_000n;
  return Number((BigInt(ms - epoch) + beganMs) * 1_000_000n - startNs);
}

async function printMemory(redis: Redis, ids: readonly string[]): Promise<void> {
  const keys = keysWith("tapedeck");
  const usage = async (key: string) => Number((await redis.memory("USAGE", key, "SAMPLES", 0)) ?? 0);
  let [session, log, checkpoints, actions] = [0, 0, 0, 0];
  const sample = ids.slice(0, 50);
  for (const id of sample) {
    session += (await usage(keys.session(id))) + (await usage(keys.epochs(id))) + (await usage(keys.venueKeys(id)));
    log += await usage(keys.actions(id));
    checkpoints += await usage(keys.checkpoints(id));
    actions += await redis.llen(keys.actions(id));
  }
  const each = (sum: number) => Math.round(sum / sample.length);
  console.log(
    `Redis: ${each(session + log + checkpoints)} bytes a bot's session (itself ${each(session)}, log ${each(log)}, checkpoints ${each(checkpoints)}), ${Math.round((log + checkpoints) / actions)} an action in it`,
  );
}

/** The same load on a bare server. */
async function runFloor({ seats, prices }: Market): Promise<Costs> {
  const server: ChildProcess = fork(fileURLToPath(new URL("bots/floor-server.ts", import.meta.url)), {
    execArgv: [...process.execArgv, ...nodeFlags],
  });
  const load = new BotsLoad();
  try {
    const [port] = z
      .tuple([z.number()])
      .rest(z.unknown())
      .parse(await once(server, "message"));
    const there = seats.map((seat) => ({ ...seat, url: `http://127.0.0.1:${port}${new URL(seat.url).pathname}` }));
    await load.connect(there, symbol, amount);
    await load.begin(everyMs, prices);
    const used = countCpu({ venue: [server.pid ?? 0] });
    await sleep(seconds * 1_000);
    const cost = used();
    return { report: await load.end(), used: cost };
  } finally {
    await load.stop();
    server.disconnect();
  }
}

function printCosts(ours: Costs, floor: Costs): void {
  const perMessage = ({ report, used }: Costs) => (used.venue ?? 0) / (report.answered.length + report.messages);
  for (const [name, costs] of [
    ["venue", ours],
    ["floor", floor],
  ] as const) {
    const { answered, messages } = costs.report;
    console.log(
      `${name}: ${Math.round((costs.used.venue ?? 0) / answered.length)} us of processor an action, ${Math.round(perMessage(costs))} us a delivered message (${answered.length} answers, ${messages} events)`,
    );
  }
  console.log(
    `ratio: ${(perMessage(ours) / perMessage(floor)).toFixed(1)} a delivered message; Redis ${Math.round((ours.used.redis ?? 0) / ours.report.answered.length)} us an action`,
  );
}

function perSecond(us = 0, overSeconds: number): string {
  return `${((us / 1e6 / overSeconds) * 100).toFixed(1)} %`;
}
