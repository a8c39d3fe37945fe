import type { FeedListener, FeedState } from "@tapedeck/live";
import { type FeedStatus, type Refusal, RefusedError, refuse } from "@tapedeck/protocol";
import { createLogger } from "@tapedeck/runtime";
import type { SessionRecord } from "@tapedeck/sessions";
import { beforeEach, describe, expect, test } from "vitest";
import { Edge } from "./edge.js";
import { HeldBack } from "./held-back.js";
import { aRecord } from "./testing/record.js";

const live = aRecord({ mode: "LIVE", source: "BINANCE", symbol: "BTCUSDT", edge: true, tape: "one@1" });
const stateOf = (tape: string, status: FeedStatus = { status: "up" }): FeedState => ({
  source: "BINANCE",
  symbol: "BTCUSDT",
  tape,
  status,
  since: 0,
  node: "feed-1",
  rev: 1,
  seenMs: 0,
});

/** An edge whose feed and session the test plays. */
class Scene {
  followed: { source: string; symbol: string; listener: FeedListener }[] = [];
  unfollowed = 0;
  wanted: string[] = [];
  /** What wishes are refused with. */
  refusal: Refusal | undefined;
  feeds: FeedStatus[] = [];
  /** Answers of tunings to come, and those that are asked for. */
  tunings: ((tuned: boolean) => void)[] = [];
  readonly edge = new Edge(
    {
      last: 0,
      advance: () => {},
      found: () => {},
      feedChanged: (feed) => this.feeds.push(feed),
      tune: () => new Promise((resolve) => this.tunings.push(resolve)),
    },
    {
      live: {
        follow: (source, symbol, listener) => {
          this.followed.push({ source, symbol, listener });
          return () => this.unfollowed++;
        },
        requestFeed: async (source, symbol) => {
          this.wanted.push(`${source}:${symbol}`);
          if (this.refusal !== undefined) throw new RefusedError(this.refusal);
        },
        renewFeed: async (source, symbol) => {
          this.wanted.push(`${source}:${symbol} again`);
          if (this.refusal !== undefined) throw new RefusedError(this.refusal);
        },
        releaseFeed: async () => {},
      },
      heldBack: new HeldBack(),
      tuning: (tune) => tune(),
      log: createLogger({ service: "gateway", node: "test", level: "silent" }),
    },
  );

  hear(state: FeedState): void {
    this.followed.at(-1)?.listener.state(state);
  }

  /** The oldest tuning under way ends. */
  async answer(tuned: boolean, record?: SessionRecord): Promise<void> {
    if (record) this.edge.follow(record);
    this.tunings.shift()?.(tuned);
    await new Promise(setImmediate);
  }
}

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});

describe("the feed of a session", () => {
  test("[LV89] that its owner may not ask for is down with the reason, until there is room", async () => {
    scene.refusal = refuse("TOO_MANY_INSTRUMENTS", "You watch 8 instruments.");
    scene.edge.follow(live);
    scene.hear(stateOf("one@1"));
    await expect.poll(() => scene.edge.feed).toEqual({ status: "down", reason: "You watch 8 instruments." });
    scene.hear({ ...stateOf("one@1"), rev: 2 });
    expect(scene.edge.feed?.status).toBe("down");
    scene.refusal = undefined;
    scene.edge.renew(1e6);
    scene.edge.renew(0);
    await expect.poll(() => scene.edge.feed).toEqual({ status: "up" });
    scene.edge.renew(0);
    expect(scene.wanted.splice(2)).toEqual(["BINANCE:BTCUSDT again"]);
    expect(scene.wanted).toEqual(["BINANCE:BTCUSDT", "BINANCE:BTCUSDT"]);
  });

  test("[LV23] is followed and wanted in LIVE, and only there", () => {
    scene.edge.follow({ ...live, mode: "REPLAY", edge: false });
    expect(scene.followed).toEqual([]);
    scene.edge.follow(live);
    scene.edge.follow({ ...live, rev: 2, edge: false });
    expect(scene.followed).toMatchObject([{ source: "BINANCE", symbol: "BTCUSDT" }]);
    expect(scene.wanted).toEqual(["BINANCE:BTCUSDT"]);
    scene.edge.follow({ ...live, symbol: "ETHUSDT" });
    expect(scene.followed).toMatchObject([{}, { symbol: "ETHUSDT" }]);
    expect(scene.unfollowed).toBe(1);
    scene.edge.follow({ ...live, mode: "REPLAY", edge: false });
    expect(scene.unfollowed).toBe(2);
    expect(scene.edge.feed).toBeUndefined();
  });

  test("[LV23] is left when nobody watches", () => {
    scene.edge.follow(live);
    scene.edge.close();
    expect(scene.unfollowed).toBe(1);
    scene.edge.follow({ ...live, rev: 2 }); // by a command that was under way
    expect(scene.followed).toHaveLength(1);
  });

  test("[LV26] is told as soon as it is known, and each change once", () => {
    scene.edge.follow(live);
    expect(scene.edge.feed).toBeUndefined();
    scene.hear(stateOf("one@1"));
    scene.hear(stateOf("one@1"));
    scene.hear(stateOf("one@1", { status: "down", reason: "the venue is closed" }));
    scene.edge.follow({ ...live, symbol: "ETHUSDT" });
    expect(scene.edge.feed).toBeUndefined();
    scene.hear(stateOf("", { status: "connecting" }));
    expect(scene.feeds).toEqual([
      { status: "up" },
      { status: "down", reason: "the venue is closed" },
      { status: "connecting" },
    ]);
  });
});

describe("another tape of the feed", () => {
  test("[LV27] tunes those at the edge and those without a tape, and nobody else", () => {
    for (const [record, tunings] of [
      [live, 1],
      [{ ...live, tape: "" }, 1],
      [{ ...live, tape: "", edge: false, state: "PAUSED" }, 1],
      [{ ...live, edge: false }, 0],
      [{ ...live, tape: "two@1" }, 0],
    ] as const) {
      const own = new Scene();
      own.edge.follow(record);
      own.hear(stateOf(""));
      expect(own.tunings).toHaveLength(0);
      own.hear(stateOf("two@1"));
      expect(own.tunings).toHaveLength(tunings);
    }
  });

  test("[LV27] tunes those whose own is lost, as soon as there is one", () => {
    scene.edge.follow({ ...live, edge: false });
    scene.hear(stateOf(""));
    scene.edge.lose();
    expect(scene.tunings).toHaveLength(0);
    scene.hear(stateOf("two@1"));
    expect(scene.tunings).toHaveLength(1);
  });

  test("[LV27] is asked for once at a time, and again only if there is another one yet", async () => {
    scene.edge.follow(live);
    scene.hear(stateOf("two@1"));
    scene.hear(stateOf("three@1"));
    expect(scene.tunings).toHaveLength(1);
    await scene.answer(true, { ...live, rev: 2, tape: "two@1" });
    expect(scene.tunings).toHaveLength(1);
    await scene.answer(true, { ...live, rev: 3, tape: "three@1" });
    expect(scene.tunings).toHaveLength(0);
  });

  test("[LV27] does not make a node that has heard nothing newer fight with one that has", async () => {
    scene.edge.follow(live);
    scene.hear(stateOf("one@1"));
    // Another node has tuned the session to a tape that this one has not heard of.
    scene.edge.follow({ ...live, rev: 2, tape: "two@1" });
    expect(scene.tunings).toHaveLength(1);
    await scene.answer(false); // Redis knows that there is nothing to do
    expect(scene.tunings).toHaveLength(0);
    scene.hear(stateOf("two@1"));
    expect(scene.tunings).toHaveLength(0);
  });
});
