import { randomUUID } from "node:crypto";
import { type FeedState, LiveTapes } from "@tapedeck/live";
import { checkFrameText, checkNext, type FeedStatus } from "@tapedeck/protocol";
import { BlockCache, FolderTapeStore } from "@tapedeck/tape";
import { Redis } from "ioredis";
import { pino } from "pino";
import type { TestCluster } from "./cluster.js";
import { now } from "./viewer.js";

/** A frame as received on the live channel. */
export interface FollowedFrame {
  readonly tape: string;
  readonly seq: number;
  /** Milliseconds since 1970 with fractions, as `now()`. */
  readonly at: number;
  readonly json: string;
}

/** Requests a feed like a gateway and receives its live channel, from outside of all services. */
export class FeedFollower {
  readonly frames: FollowedFrame[] = [];
  readonly states: FeedState[] = [];
  readonly #live: LiveTapes;
  readonly #connections: readonly Redis[];
  readonly #unfollow: () => void;
  readonly #renewing: NodeJS.Timeout;
  readonly #cluster: TestCluster;

  /** @param lingerMs how long the feed is in demand after `stop`; a minute by default */
  constructor(cluster: TestCluster, source: string, symbol: string, { lingerMs = 60_000 } = {}) {
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
      lingerMs,
    });
    this.#unfollow = this.#live.follow(source, symbol, {
      frame: (tape, seq, body) => {
        this.frames.push({ tape: tape.id, seq, at: now(), json: body.toString("latin1") });
      },
      state: (state) => this.states.push(state),
    });
    const asker = { session: randomUUID(), owner: `user ${randomUUID()}` };
    const renew = (): void => void this.#live.requestFeed(source, symbol, asker).catch(() => {}); // Redis is away in some tests
    renew();
    this.#renewing = setInterval(renew, 1000);
  }

  /** Tapes in order of their first frame. */
  get tapes(): readonly string[] {
    return [...new Set(this.frames.map(({ tape }) => tape))];
  }

  /** Milliseconds of the marked gaps, in order. */
  get gaps(): readonly number[] {
    return this.frames.flatMap(({ json }) => JSON.parse(json).gap_before_ms ?? []);
  }

  /** What is wrong with the frames, alone and one after the other. */
  get flaws(): readonly string[] {
    return this.frames.flatMap(({ json, tape, seq }, at) => {
      const before = this.frames[at - 1];
      const next = before?.tape === tape ? checkNext(JSON.parse(before.json), JSON.parse(json)) : [];
      return [...checkFrameText(json), ...next].map((flaw) => `${tape} ${seq}: ${flaw}`);
    });
  }

  /** Waits for this many more frames. */
  async more(count: number, ms = 20_000): Promise<void> {
    const expected = this.frames.length + count;
    await this.#cluster.until(() => this.frames.length >= expected, `${count} more frames of the feed`, ms);
  }

  /** Waits for this status of the feed. */
  async untilStatus(status: FeedStatus["status"], reason = /.*/, ms = 20_000): Promise<void> {
    const fits = ({ status: its }: FeedState) => its.status === status && reason.test(its.reason ?? "");
    await this.#cluster.until(
      () => this.states.at(-1) !== undefined && this.states.slice(-1).every(fits),
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
    clearInterval(this.#renewing);
    this.#unfollow();
    await this.#live.close();
    for (const redis of this.#connections) redis.disconnect();
  }
}
