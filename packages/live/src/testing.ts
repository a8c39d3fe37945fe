import { setTimeout as sleep } from "node:timers/promises";
import { type FeedStatus, isoOfNs } from "@tapedeck/protocol";
import type { Logger, RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import type { Seq, TapeStore } from "@tapedeck/tape";
import { testFrame } from "@tapedeck/tape/testing";
import { entriesOf } from "./testing/entries.js";
import { LiveTapeWriter } from "./writer/live-tape-writer.js";
import type { LiveTapeSettings } from "./writer/settings.js";

export { readLiveEvents } from "./testing/live-events.js";
export { checkTrack } from "./testing/track.js";

export interface TestFeedOptions {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly store: TapeStore;
  readonly log: Logger;
  readonly source?: string;
  readonly symbol?: string;
  /** Milliseconds of tape from frame to frame. */
  readonly intervalMs?: number;
  readonly tradesPerFrame?: (seq: Seq) => number;
  /** Adds to the event track what `entriesOf` says: it has nothing to do with the frames. */
  readonly events?: boolean;
  readonly settings?: Partial<LiveTapeSettings>;
}

/** A feed under the control of a test: a real live tape with frames like those of `writeTestTape`. */
export class TestFeed {
  readonly writer: LiveTapeWriter;
  readonly symbol: string;
  readonly #intervalMs: number;
  readonly #tradesPerFrame: TestFeedOptions["tradesPerFrame"];
  readonly #events: boolean;
  readonly #startNs: bigint;
  #next: Seq;
  #ns: number;

  /** Claims the feed and publishes the status `up`. The first frame of a new tape has the present time. */
  static async claim(options: TestFeedOptions): Promise<TestFeed> {
    const {
      redis,
      keys,
      store,
      log,
      source = "BINANCE",
      symbol = "BTCUSDT",
      intervalMs = 100,
      settings = {},
    } = options;
    const writer = await LiveTapeWriter.claim({
      redis,
      keys,
      store,
      source,
      symbol,
      node: "feed-test",
      decimals: 3,
      intervalMs,
      precision: { priceDecimals: 2, sizeDecimals: 3 },
      settings,
      log,
    });
    await writer.publishStatus({ status: "up" });
    return new TestFeed(writer, symbol, options);
  }

  private constructor(
    writer: LiveTapeWriter,
    symbol: string,
    { intervalMs = 100, tradesPerFrame, events = false }: TestFeedOptions,
  ) {
    const {
      startNs = BigInt(Date.now()) * 1_000_000n,
      lastSeq = -1,
      lastNs = -intervalMs * 1e6,
    } = writer.continues ?? {};
    this.writer = writer;
    this.symbol = symbol;
    this.#intervalMs = intervalMs;
    this.#tradesPerFrame = tradesPerFrame;
    this.#events = events;
    this.#startNs = startNs;
    this.#next = lastSeq + 1;
    this.#ns = lastNs;
  }

  /** `id@1`; empty before the first frame. */
  get tape(): string {
    return this.writer.tape;
  }

  get last(): Seq {
    return this.#next - 1;
  }

  /** Appends this many frames. @returns the seq of the last */
  async append(frames = 1): Promise<Seq> {
    const outcomes = [];
    for (let n = 0; n < frames; n++) outcomes.push(this.#append());
    for (const outcome of await Promise.all(outcomes)) {
      if (outcome !== "appended") throw new Error(`a frame of ${this.symbol} was ${outcome}`);
    }
    return this.last;
  }

  /** Appends a frame each interval of wall time, until the returned function has resolved. */
  run(): () => Promise<void> {
    let running = true;
    const work = (async () => {
      const began = performance.now();
      for (let n = 1; running; n++) {
        await this.append();
        await sleep(Math.max(0, began + n * this.#intervalMs - performance.now()));
      }
    })();
    return async () => {
      running = false;
      await work;
    };
  }

  async publishStatus(status: FeedStatus): Promise<void> {
    await this.writer.publishStatus(status);
  }

  #append() {
    const fromNs = this.#ns;
    const seq = this.#next++;
    this.#ns += this.#intervalMs * 1e6;
    const continued = seq > 0 && this.writer.continues?.lastSeq === seq - 1;
    const parts = testFrame(
      this.symbol,
      seq,
      isoOfNs(this.#startNs + BigInt(this.#ns), 3),
      this.#tradesPerFrame?.(seq),
    );
    const gapBefore = continued ? { fromNs, reason: "nothing was recorded" } : null;
    const events = this.#events ? entriesOf(seq, (this.writer.continues?.lastSeq ?? -1) + 1) : [];
    return this.writer.append({ ...parts, ns: this.#ns, gapBefore }, this.#startNs, events);
  }
}
