import { randomUUID } from "node:crypto";
import { type FeedState, LiveTapes } from "@tapedeck/live";
import { checkFrameText, checkNext, type FeedStatus } from "@tapedeck/protocol";
import { BlockCache, FolderTapeStore } from "@tapedeck/tape";
import { Redis } from "ioredis";
import { pino } from "pino";
import type { TestCluster } from "./cluster.js";
import { now } from "./viewer.js";

/** A frame as it came on the live channel. */
export interface FollowedFrame {
  readonly tape: string;
  readonly seq: number;
  /** Milliseconds since 1970 with fractions, as `now()`. */
  readonly at: number;
  readonly json: string;
}

/** Somebody who wants a feed as a gateway does, and gets what its live channel brings, from outside of all services. */
export class FeedFollower {
  readonly frames: FollowedFrame[] = [];
  readonly states: FeedState[] = [];
  readonly #live: LiveTapes;
  readonly #connections: readonly Redis[];
  readonly #unfollow: () => void;
  readonly #wanting: NodeJS.Timeout;
  readonly #cluster: TestCluster;

  constructor(cluster: TestCluster, source: string, symbol: string) {
    this.#cluster = cluster;
    const connect = (): Redis => {
      const redis = new Redis(cluster.redisUrl, { maxRetriesPerRequest: 0 });
      redis.on("error", () => {}); // some tests restart it
      return redis;
    };
    const [redis, subscriber] = [connect(), connect()];
    this.#connections = [redis, subscriber];
    this.#live = new LiveTapes({
      ...{ redis, subscriber, keys: cluster.keys, store: new FolderTapeStore(cluster.tapes.folder) },
      cache: new BlockCache(32 << 20),
      log: pino({ level: "silent" }),
    });
    this.#unfollow = this.#live.follow(source, symbol, {
      frame: (tape, seq, body) => {
        this.frames.push({ tape: tape.id, seq, at: now(), json: body.toString("latin1") });
      },
      state: (state) => this.states.push(state),
    });
    const asker = { session: randomUUID(), owner: `user ${randomUUID()}` };
    const want = (): void => void this.#live.requestFeed(source, symbol, asker).catch(() => {}); // Redis is away in some tests
    want();
    this.#wanting = setInterval(want, 1000);
  }

  /** Tapes in the order in which they came. */
  get tapes(): readonly string[] {
    return [...new Set(this.frames.map(({ tape }) => tape))];
  }

  /** Milliseconds of the holes that are marked, in order. */
  get gaps(): readonly number[] {
    return this.frames.flatMap(({ json }) => JSON.parse(json).gap_before_ms ?? []);
  }

  /** What is wrong with the frames, and with how each follows on the one before it. */
  get flaws(): readonly string[] {
    return this.frames.flatMap(({ json, tape, seq }, at) => {
      const before = this.frames[at - 1];
      const next = before?.tape === tape ? checkNext(JSON.parse(before.json), JSON.parse(json)) : [];
      return [...checkFrameText(json), ...next].map((flaw) => `${tape} ${seq}: ${flaw}`);
    });
  }

  /** Waits for so many frames more than there are. */
  async more(count: number, ms = 20_000): Promise<void> {
    const wanted = this.frames.length + count;
    await this.#cluster.until(() => this.frames.length >= wanted, `${count} more frames of the feed`, ms);
  }

  /** Waits until those who follow are told this. */
  async told(status: FeedStatus["status"], reason = /.*/, ms = 20_000): Promise<void> {
    const so = ({ status: told }: FeedState) => told.status === status && reason.test(told.reason ?? "");
    await this.#cluster.until(
      () => this.states.at(-1) !== undefined && this.states.slice(-1).every(so),
      `${status}`,
      ms,
    );
  }

  /** The longest time between two frames since a moment. */
  longestPause(since: number): number {
    const times = this.frames.map(({ at }) => at).filter((at, n, all) => at >= since || (all[n + 1] ?? 0) >= since);
    return Math.max(0, ...times.slice(1).map((at, n) => at - (times[n] ?? at)));
  }

  async stop(): Promise<void> {
    clearInterval(this.#wanting);
    this.#unfollow();
    await this.#live.close();
    for (const redis of this.#connections) redis.disconnect();
  }
}
