import { randomUUID } from "node:crypto";
import type { RandomStream } from "@tapedeck/market";
import type { OrderListBody } from "@tapedeck/protocol";
import { keysWith, positionAt, type SessionRecord, SessionService, SessionStore } from "@tapedeck/sessions";
import { importRecording, MemoryTapeStore, type Seq, type Tape, TapeCatalog, type TapeStore } from "@tapedeck/tape";
// biome-ignore lint/correctness/noUndeclaredDependencies: the workspace has it, for tests
import { Redis } from "ioredis";
import type { CheckpointPace } from "./checkpoint/session-checkpoints.js";
import type { Standing } from "./ledger/standing.js";
import { Trading } from "./trading.js";

/** Sessions that trade, on a real Redis under a prefix of their own, for tests. */
export interface TradingRig {
  readonly redis: Redis;
  readonly store: SessionStore;
  readonly sessions: SessionService;
  readonly trading: Trading;
  readonly tapes: TapeCatalog;
  /** Trading of another process; with `tapes` it shares what another one has read of them, which on recordings changes nothing. */
  another(checkpoints?: CheckpointPace, tapes?: TapeCatalog): Trading;
  /** A paused session with its playhead on a frame. */
  open(options: { tape: string | undefined; seq: number; id?: string }): Promise<SessionRecord>;
  record(id: string): Promise<SessionRecord>;
  /** Its trading at the playhead. */
  standing(id: string, trading?: Trading): Promise<Standing | undefined>;
  close(): Promise<void>;
}

export function tradingOnRedis(url: string, tapeStore: TapeStore, checkpoints?: CheckpointPace): TradingRig {
  const prefix = `test-${randomUUID()}`;
  const redis = new Redis(url);
  const store = new SessionStore(redis, keysWith(prefix));
  const catalog = () =>
    new TapeCatalog(tapeStore, { cacheBytes: 64 << 20, orders: (id, from) => store.orders(id, from) });
  const tapes = catalog();
  const log = { debug() {}, info() {}, warn() {} };
  const sessions = new SessionService({ store, tapes, tickerQueue: { request: async () => {} }, log });
  const pace = checkpoints === undefined ? {} : { checkpoints };
  const trading = new Trading({ store, sessions, tapes, ...pace });
  const found = async (id: string) => {
    const read = await store.read(id);
    if (read === undefined) throw new Error(`session ${id} is gone`);
    return read;
  };
  return {
    redis,
    store,
    sessions,
    trading,
    tapes,
    another: (own = checkpoints, of = catalog()) =>
      new Trading({ store, sessions, tapes: of, ...(own === undefined ? {} : { checkpoints: own }) }),
    open: async ({ tape, seq, id }) => {
      const { record } = await sessions.open(id, tape === undefined ? {} : { tape });
      return (await sessions.perform(record.id, { type: "seek", to: { seq } })).record;
    },
    record: async (id) => (await found(id)).record,
    standing: async (id, of = trading) => {
      const { record, now } = await found(id);
      const { seq } = await positionAt(record, now, await tapes.open(record.tape));
      return of.at(record, seq);
    },
    close: async () => {
      const keys = await redis.keys(`${prefix}:*`);
      if (keys.length > 0) await redis.del(...keys);
      redis.disconnect();
    },
  };
}

interface ImportedTape {
  readonly store: TapeStore;
  /** Its `id@version`; undefined where there are no files. */
  readonly tape: string | undefined;
}

const importedBefore = new Map<string, Promise<ImportedTape>>();

/** The files of one instrument, imported once for all test files that a worker runs, since that takes seconds: for tests that only read the store. */
export function importedTape(files: readonly string[]): Promise<ImportedTape> {
  const key = JSON.stringify(files);
  const imported = importedBefore.get(key) ?? importToMemory(files);
  importedBefore.set(key, imported);
  return imported;
}

async function importToMemory(files: readonly string[]): Promise<ImportedTape> {
  const store = new MemoryTapeStore();
  if (files.length === 0) return { store, tape: undefined };
  const { tapes } = await importRecording(files, { intervalMs: 100 }, { store });
  return { store, tape: tapes[0]?.tape };
}

/** An OCO, an OTO or an OTOCO near a price, whose tick is 0.1. */
export function anyList(random: RandomStream, price: number): OrderListBody {
  const [side, closing] = random.chance(0.5) ? (["buy", "sell"] as const) : (["sell", "buy"] as const);
  const up = side === "buy" ? 1 : -1;
  const at = (offset: number) => (price + up * offset * (0.5 + random.uniform())).toFixed(1);
  const amount = "0.100";
  const stop = { side: closing, type: "STOP", amount, stop_price: at(-25) } as const;
  const profit = { side: closing, type: "LIMIT", amount, price: at(25), time_in_force: "GTX" } as const;
  if (random.chance(0.4)) return { others: [stop, profit], client_list_id: `list-${random.integerBelow(1_000)}` };
  const first = { side, type: "LIMIT", amount, price: at(random.chance(0.5) ? 3 : -3) } as const;
  return { first, others: random.chance(0.5) ? [stop, profit] : [stop] };
}

/** The tape as if it began, or ended, with a frame. */
export async function tapeWithin(
  whole: Tape,
  { firstSeq = whole.span.firstSeq, lastSeq = whole.span.lastSeq }: { firstSeq?: Seq; lastSeq?: Seq },
): Promise<Tape> {
  const firstNs = await whole.nsOf(firstSeq);
  return {
    id: whole.id,
    symbol: whole.symbol,
    source: whole.source,
    startNs: whole.startNs,
    decimals: whole.decimals,
    precision: whole.precision,
    span: { ...whole.span, firstSeq, firstNs, lastSeq },
    gaps: whole.gaps,
    index: whole.index,
    track: whole.track,
    timeline: (policy) => whole.timeline(policy),
    iso: (ns) => whole.iso(ns),
    block: (seq) => whole.block(seq),
    load: (seq) => whole.load(seq),
    seqAt: async (ns) => Math.min(lastSeq, await whole.seqAt(ns)),
    nsOf: (seq) => whole.nsOf(seq),
    eventHorizonNs: whole.eventHorizonNs,
    findEvent: (from, direction, filter, signal) => whole.findEvent(from, direction, filter, signal),
    view: () => whole.view(),
  };
}
