// What it costs to take a session's orders over, and to rewind them, with and without checkpoints, and what they take of Redis: see docs/benchmarks.md.
// `npm run bench` runs it at the end; alone: `npx tsc -b && npx tsx test/bench/takeover.ts`
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keysWith, type SessionRecord, SessionService, SessionStore } from "@tapedeck/sessions";
import { FolderTapeStore, importRecording, type Tape, TapeCatalog } from "@tapedeck/tape";
import { Trading } from "@tapedeck/trading";
import { Redis } from "ioredis";
import { startRedisServer } from "../support/redis-server.js";
import { recordedFiles } from "../support/tapes.js";
import { writeRepeated } from "./track/repeated-recording.js";

/** Rounds of the recording of 514 s: 68 minutes. */
const rounds = Number(process.env.BENCH_ROUNDS ?? 8);
const actions = Number(process.env.BENCH_ACTIONS ?? 5_000);
/** Of the second session, of which only the memory is looked at. */
const manyOrders = Number(process.env.BENCH_ORDERS ?? 10_000);
const runs = 3;
const [firstSeq, minute] = [100, 600];
const never = { frames: Number.POSITIVE_INFINITY, actions: Number.POSITIVE_INFINITY, everyMs: 0 };
const always = { frames: 256, actions: 500, everyMs: 0 };

const sources = recordedFiles("primary");
if (sources.length === 0) {
  console.error("SKIPPED: the futures recording of 2023 is not there (TAPEDECK_TEST_DATA).");
  process.exit();
}
const folder = await mkdtemp(join(tmpdir(), "tapedeck-bench-"));
const server = await startRedisServer();
const redis = new Redis(server.url);
try {
  await measure();
} finally {
  redis.disconnect();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const recording = join(folder, "recording");
  await writeRepeated(sources, rounds, recording);
  const tapeStore = new FolderTapeStore(join(folder, "tapes"));
  const name = (await importRecording([recording], { intervalMs: 100 }, { store: tapeStore })).tapes[0]?.tape;
  if (name === undefined) throw new Error("no tape was made");
  const store = new SessionStore(redis, keysWith(`bench-${randomUUID()}`));
  const catalog = () => new TapeCatalog(tapeStore, { cacheBytes: 64 << 20, orders: (id) => store.orders(id) });
  const tapes = catalog();
  const log = { debug() {}, info() {}, warn() {} };
  const sessions = new SessionService({ store, tapes, tickerQueue: { request: async () => {} }, log });
  /** Trading of a process that has nothing in its memory. */
  const nodeWith = (checkpoints: typeof never) => new Trading({ store, sessions, tapes: catalog(), checkpoints });
  const tape = await tapes.open(name);
  const last = tape.span.lastSeq;

  const open = async () => {
    const { record } = await sessions.open(undefined, { tape: name });
    return (await sessions.perform(record.id, { type: "seek", to: { seq: firstSeq } })).record;
  };
  const { id } = await open();
  await printMemory(store, id, 0);
  await trade(id, nodeWith(never), sessions, { from: 0, to: 100, of: actions }, last);
  await keepUp(await recordOf(store, id), nodeWith(always), last);
  await printMemory(store, id, 100);
  await trade(id, nodeWith(never), sessions, { from: 100, to: actions, of: actions }, last);
  await sessions.perform(id, { type: "seek", to: { seq: last } });
  const record = await recordOf(store, id);

  const takeOver = (trading: Trading, at: SessionRecord, seq: number) => () => trading.between(at, seq - 10, seq);
  console.log(`after ${minutes(tape)} minutes of tape with ${actions} actions:`);
  for (let run = 0; run < runs; run++)
    await print("taken over, no checkpoints", takeOver(nodeWith(never), record, last));
  const warm = nodeWith(never);
  await warm.at(record, last);
  const writer = nodeWith(always);
  await print("played to the end, with a checkpoint each 256 frames", () => keepUp(record, writer, last));
  await printMemory(store, id, actions);
  for (let run = 0; run < runs; run++) await print("taken over", takeOver(nodeWith(never), record, last));
  await print("taken over, and all orders and fills asked for", () => nodeWith(never).at(record, last));

  const { record: rewound } = await sessions.perform(id, { type: "seek", to: { seq: last - minute } });
  await print("rewound by a minute in a process that was there", () => writer.at(rewound, last - minute));
  await redis.del(store.keys.checkpoints(id));
  await print("the same without checkpoints", () => warm.at(rewound, last - minute));

  const many = await open();
  await trade(many.id, nodeWith(never), sessions, { from: 0, to: manyOrders, of: manyOrders }, last);
  await keepUp(await recordOf(store, many.id), nodeWith(always), last);
  await printMemory(store, many.id, manyOrders);
}

/** Sends the orders of a bot that quotes and takes, and now and then cancels what is left, with ids of 36 characters, spread over the tape. */
async function trade(
  id: string,
  trading: Trading,
  sessions: SessionService,
  { from, to, of }: { readonly from: number; readonly to: number; readonly of: number },
  lastSeq: number,
): Promise<void> {
  for (let nth = from; nth < to; nth++) {
    const seq = firstSeq + Math.floor(((lastSeq - firstSeq) * nth) / of);
    if (nth % 5 === 0) await sessions.perform(id, { type: "seek", to: { seq } });
    if (nth % 50 === 49) {
      await trading.act(id, { kind: "cancel-all" });
      continue;
    }
    const side = nth % 2 === 0 ? "buy" : "sell";
    const client_order_id = `x-A6SIDXVS${`${nth}`.padStart(26, "0")}`;
    const price = (28_150 + ((nth * 7) % 40) - 20).toFixed(1);
    const order =
      nth % 3 === 0
        ? ({ side, type: "MARKET", amount: "0.010", client_order_id } as const)
        : ({ side, type: "LIMIT", amount: "0.010", price, client_order_id } as const);
    await trading.act(id, { kind: "place", order });
  }
}

/** A process that shows every frame. */
async function keepUp(record: SessionRecord, trading: Trading, lastSeq: number): Promise<void> {
  for (let seq = firstSeq; seq < lastSeq; seq += 64) await trading.between(record, seq, Math.min(lastSeq, seq + 64));
}

async function recordOf(store: SessionStore, id: string): Promise<SessionRecord> {
  const read = await store.read(id);
  if (read === undefined) throw new Error(`session ${id} is gone`);
  return read.record;
}

async function print(what: string, work: () => Promise<unknown>): Promise<void> {
  const [began, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  console.log(
    `  ${what.padEnd(55)} ${Math.round((user + system) / 1_000)} ms of processor, ${Math.round(performance.now() - began)} ms on the wall`,
  );
}

async function printMemory({ keys }: SessionStore, id: string, orders: number): Promise<void> {
  const of = { session: keys.session, epochs: keys.epochs, actions: keys.actions, checkpoints: keys.checkpoints };
  const bytes: [string, number][] = [];
  for (const [name, key] of Object.entries(of)) {
    bytes.push([name, Number((await redis.memory("USAGE", key(id), "SAMPLES", 0)) ?? 0)]);
  }
  const all = bytes.reduce((sum, [, size]) => sum + size, 0);
  const each = orders === 0 ? "" : `, ${((all - 2_048) / orders).toFixed(0)} an order beyond 2 KB`;
  console.log(
    `Redis, ${orders} orders: ${all} bytes (${bytes.map(([name, size]) => `${name} ${size}`).join(", ")})${each}`,
  );
}

function minutes({ span }: Tape): number {
  return Math.round(span.lastNs / 60e9);
}
