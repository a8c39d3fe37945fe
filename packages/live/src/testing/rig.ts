import { randomUUID } from "node:crypto";
import type { FrameParts } from "@tapedeck/market";
import { createLogger } from "@tapedeck/runtime";
import { type Keys, keysWith } from "@tapedeck/sessions";
import {
  type Block,
  BlockCache,
  MemoryTapeStore,
  RecordedTape,
  type Seq,
  type Tape,
  TapeCatalog,
  type TapeStore,
} from "@tapedeck/tape";
import { type TestTapeOptions, testFrames, testTapeStartMs } from "@tapedeck/tape/testing";
import { Redis } from "ioredis";
import type { FeedState } from "../feed-store/feed-state.js";
import type { FeedListener } from "../follower/feed-listeners.js";
import { LiveTapes, type LiveTapesOptions } from "../follower/live-tapes.js";
import type { GrowingTape } from "../growing-tape/growing-tape.js";
import { type ClaimOptions, LiveTapeWriter } from "../writer/live-tape-writer.js";

export const source = "SIM";
export const symbol = "BTCUSDT";
export const startNs = BigInt(testTapeStartMs) * 1_000_000n;

const cacheBytes = 8 << 20;

/** A real Redis with a key prefix of its own, writers and following processes on it. `close` ends them all. */
export class Rig {
  readonly url: string;
  readonly keys: Keys = keysWith(`live-${randomUUID()}`);
  readonly store: TapeStore;
  readonly redis: Redis;
  readonly log = createLogger({ service: "test", node: "test", level: "silent" });
  readonly #closing: (() => Promise<unknown>)[] = [];

  constructor(url: string, store: TapeStore = new MemoryTapeStore()) {
    this.url = url;
    this.store = store;
    this.redis = this.connect();
  }

  connect(): Redis {
    const redis = new Redis(this.url, { maxRetriesPerRequest: 0, retryStrategy: () => 50 });
    redis.on("error", () => undefined); // tests check the outcome of each command
    this.#closing.push(async () => redis.disconnect());
    return redis;
  }

  claim(options: Partial<ClaimOptions> = {}): Promise<LiveTapeWriter> {
    const { redis, keys, store, log } = this;
    return LiveTapeWriter.claim({
      redis,
      keys,
      store,
      source,
      symbol,
      node: "feed-1",
      decimals: 3,
      intervalMs: 100,
      precision: { priceDecimals: 2, sizeDecimals: 3 },
      log,
      ...options,
    });
  }

  /** Stands for another process that follows live tapes. */
  process(options: ProcessOptions = {}): Process {
    const process = new Process(this, options);
    this.#closing.unshift(() => process.live.close());
    return process;
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
  }
}

type ProcessOptions = Partial<Omit<LiveTapesOptions, "subscriber">> & { readonly subscriber?: Redis };

export class Process {
  readonly live: LiveTapes;
  readonly tapes: TapeCatalog;
  readonly cache = new BlockCache(cacheBytes);
  readonly subscriber: Redis;

  constructor(rig: Rig, options: ProcessOptions) {
    const { keys, store, log } = rig;
    this.subscriber = options.subscriber ?? rig.connect();
    this.live = new LiveTapes({
      redis: rig.redis,
      keys,
      store,
      log,
      cache: this.cache,
      ...options,
      subscriber: this.subscriber,
    });
    this.tapes = new TapeCatalog(store, { cacheBytes, cache: this.cache, live: this.live });
  }

  follow(): RecordingListener {
    const listener = new RecordingListener();
    listener.stop = this.live.follow(source, symbol, listener);
    return listener;
  }
}

/** A listener that keeps every frame and state it gets. */
export class RecordingListener implements FeedListener {
  readonly seqs: Seq[] = [];
  readonly bodies: string[] = [];
  readonly states: FeedState[] = [];
  tape: GrowingTape | undefined;
  stop: () => void = () => undefined;
  #waiting: (() => void)[] = [];

  frame(tape: GrowingTape, seq: Seq, body: Buffer): void {
    this.tape = tape;
    this.seqs.push(seq);
    this.bodies.push(body.toString("latin1"));
    if (tape.span.lastSeq !== seq || tape.block(seq)?.json(seq) !== this.bodies.at(-1))
      throw new Error(`frame ${seq} was delivered before it was on the tape`);
    this.#wake();
  }

  state(state: FeedState): void {
    this.states.push(state);
    this.#wake();
  }

  /** Resolves when `done` is true of the frames and states received so far. */
  async until(done: (received: this) => boolean): Promise<void> {
    while (!done(this)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Appends frames one after the other; throws if one is refused. */
export async function appendAll(writer: LiveTapeWriter, frames: Iterable<FrameParts>): Promise<void> {
  for (const frame of frames) {
    const outcome = await writer.append(frame, startNs);
    if (outcome !== "appended") throw new Error(`frame was ${outcome}`);
  }
}

/** The frames `from` to `to` - 1 of a test tape. */
export function someFrames(from: Seq, to: Seq, options: TestTapeOptions = {}): FrameParts[] {
  return [...testFrames({ ...options, from, frames: to })];
}

/** The JSON of all frames of a tape. */
export async function textsOf(tape: Tape): Promise<string[]> {
  const texts: string[] = [];
  for (let seq = tape.span.firstSeq; seq <= tape.span.lastSeq; seq++) texts.push((await tape.load(seq)).json(seq));
  return texts;
}

export function recorded(store: TapeStore, id: string): Promise<RecordedTape> {
  return RecordedTape.open(store, id, 1, new BlockCache(cacheBytes));
}

/** The store with some methods replaced; replace `segments` to change the store of a tape's segments. */
export function storeWith(store: TapeStore, changes: Partial<TapeStore>): TapeStore {
  return {
    ids: () => store.ids(),
    current: (id) => store.current(id),
    versions: (id) => store.versions(id),
    read: (id, version, file) => store.read(id, version, file),
    readRange: (id, version, file, offset, length) => store.readRange(id, version, file, offset, length),
    begin: (id) => store.begin(id),
    delete: (id, version) => store.delete(id, version),
    erase: (id) => store.erase(id),
    segments: (tape) => store.segments(tape),
    tapesWithSegments: () => store.tapesWithSegments(),
    eraseSegments: (tape) => store.eraseSegments(tape),
    ...changes,
  };
}

/** Fills a block cache, so that all earlier blocks leave it. */
export function evict(cache: BlockCache): void {
  for (let n = 0; n < 9; n++) cache.put(cache.newTape(), megabyte);
}

const megabyte: Block = {
  firstSeq: 0,
  lastSeq: 0,
  size: 1 << 20,
  nsOf: () => 0,
  tradeCountOf: () => 0,
  seqAt: () => 0,
  json: () => "",
  head: () => "",
  trades: () => "",
  anomalies: () => "",
  tradeVolumeOf: () => 0,
  lastTradePriceOf: () => 0,
  lastTradeSideOf: () => "unknown",
  effectiveSpreadOf: () => null,
  gapBeforeNsOf: () => 0,
};
