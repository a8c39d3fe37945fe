import type { FeedListener, FeedState } from "@tapedeck/live";
import { type FeedStatus, type Refusal, RefusedError, refuse } from "@tapedeck/protocol";
import { createLogger } from "@tapedeck/runtime";
import type { SessionRecord } from "@tapedeck/sessions";
import { beforeEach, describe, expect, test } from "vitest";
import { aRecord } from "../testing/record.js";
import { ConflationTimer } from "./conflation.js";
import { LiveEdge } from "./live-edge.js";

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

/** A live edge with a fake feed and session. */
class EdgeFixture {
  followed: { source: string; symbol: string; listener: FeedListener }[] = [];
  unfollowed = 0;
  requests: string[] = [];
  /** The answer to requests for a feed. */
  refusal: Refusal | undefined;
  feeds: FeedStatus[] = [];
  /** Resolves each tape switch under way. */
  switches: ((changed: boolean) => void)[] = [];
  readonly edge = new LiveEdge(
    {
      lastSeq: 0,
      advance: () => {},
      tapeFound: () => {},
      feedChanged: (feed) => this.feeds.push(feed),
      switchTape: () => new Promise((resolve) => this.switches.push(resolve)),
    },
    {
      live: {
        follow: (source, symbol, listener) => {
          this.followed.push({ source, symbol, listener });
          return () => this.unfollowed++;
        },
        requestFeed: async (source, symbol) => {
          this.requests.push(`${source}:${symbol}`);
          if (this.refusal !== undefined) throw new RefusedError(this.refusal);
        },
        renewFeed: async (source, symbol) => {
          this.requests.push(`${source}:${symbol} again`);
          if (this.refusal !== undefined) throw new RefusedError(this.refusal);
        },
        releaseFeed: async () => {},
      },
      store: { read: async () => undefined },
      conflationTimer: new ConflationTimer(),
      limitSwitches: (switchTape) => switchTape(),
      log: createLogger({ service: "gateway", node: "test", level: "silent" }),
    },
  );

  receive(state: FeedState): void {
    this.followed.at(-1)?.listener.state(state);
  }

  /** Ends the oldest tape switch under way. */
  async finishSwitch(changed: boolean, record?: SessionRecord): Promise<void> {
    if (record) this.edge.follow(record);
    this.switches.shift()?.(changed);
    await new Promise(setImmediate);
  }
}

let fixture: EdgeFixture;
beforeEach(() => {
  fixture = new EdgeFixture();
});

describe("the feed of a session", () => {
  test("[LV89] is shown as down with the reason while its owner may not request it", async () => {
    fixture.refusal = refuse("TOO_MANY_INSTRUMENTS", "You watch 8 instruments.");
    fixture.edge.follow(live);
    fixture.receive(stateOf("one@1"));
    await expect.poll(() => fixture.edge.feed).toEqual({ status: "down", reason: "You watch 8 instruments." });
    fixture.receive({ ...stateOf("one@1"), rev: 2 });
    expect(fixture.edge.feed?.status).toBe("down");
    fixture.refusal = undefined;
    fixture.edge.renewDemand(1e6);
    fixture.edge.renewDemand(0);
    await expect.poll(() => fixture.edge.feed).toEqual({ status: "up" });
    fixture.edge.renewDemand(0);
    expect(fixture.requests.splice(2)).toEqual(["BINANCE:BTCUSDT again"]);
    expect(fixture.requests).toEqual(["BINANCE:BTCUSDT", "BINANCE:BTCUSDT"]);
  });

  test("[LV23] is followed and requested only in LIVE", () => {
    fixture.edge.follow({ ...live, mode: "REPLAY", edge: false });
    expect(fixture.followed).toEqual([]);
    fixture.edge.follow(live);
    fixture.edge.follow({ ...live, rev: 2, edge: false });
    expect(fixture.followed).toMatchObject([{ source: "BINANCE", symbol: "BTCUSDT" }]);
    expect(fixture.requests).toEqual(["BINANCE:BTCUSDT"]);
    fixture.edge.follow({ ...live, symbol: "ETHUSDT" });
    expect(fixture.followed).toMatchObject([{}, { symbol: "ETHUSDT" }]);
    expect(fixture.unfollowed).toBe(1);
    fixture.edge.follow({ ...live, mode: "REPLAY", edge: false });
    expect(fixture.unfollowed).toBe(2);
    expect(fixture.edge.feed).toBeUndefined();
  });

  test("[LV23] is not followed after the last client has left", () => {
    fixture.edge.follow(live);
    fixture.edge.close();
    expect(fixture.unfollowed).toBe(1);
    fixture.edge.follow({ ...live, rev: 2 }); // a command was under way
    expect(fixture.followed).toHaveLength(1);
  });

  test("[LV26] is reported as soon as it is known, and each change once", () => {
    fixture.edge.follow(live);
    expect(fixture.edge.feed).toBeUndefined();
    fixture.receive(stateOf("one@1"));
    fixture.receive(stateOf("one@1"));
    fixture.receive(stateOf("one@1", { status: "down", reason: "the venue is closed" }));
    fixture.edge.follow({ ...live, symbol: "ETHUSDT" });
    expect(fixture.edge.feed).toBeUndefined();
    fixture.receive(stateOf("", { status: "connecting" }));
    expect(fixture.feeds).toEqual([
      { status: "up" },
      { status: "down", reason: "the venue is closed" },
      { status: "connecting" },
    ]);
  });
});

describe("when the feed begins another tape", () => {
  test("[LV27] only sessions at the edge or without a tape switch to it", () => {
    for (const [record, switches] of [
      [live, 1],
      [{ ...live, tape: "" }, 1],
      [{ ...live, tape: "", edge: false, state: "PAUSED" }, 1],
      [{ ...live, edge: false }, 0],
      [{ ...live, tape: "two@1" }, 0],
    ] as const) {
      const own = new EdgeFixture();
      own.edge.follow(record);
      own.receive(stateOf(""));
      expect(own.switches).toHaveLength(0);
      own.receive(stateOf("two@1"));
      expect(own.switches).toHaveLength(switches);
    }
  });

  test("[LV27] a session whose own tape is lost switches as soon as there is another one", () => {
    fixture.edge.follow({ ...live, edge: false });
    fixture.receive(stateOf(""));
    fixture.edge.tapeLost();
    expect(fixture.switches).toHaveLength(0);
    fixture.receive(stateOf("two@1"));
    expect(fixture.switches).toHaveLength(1);
  });

  test("[LV27] a session switches once at a time, and again only if the feed has begun yet another tape", async () => {
    fixture.edge.follow(live);
    fixture.receive(stateOf("two@1"));
    fixture.receive(stateOf("three@1"));
    expect(fixture.switches).toHaveLength(1);
    await fixture.finishSwitch(true, { ...live, rev: 2, tape: "two@1" });
    expect(fixture.switches).toHaveLength(1);
    await fixture.finishSwitch(true, { ...live, rev: 3, tape: "three@1" });
    expect(fixture.switches).toHaveLength(0);
  });

  test("[LV27] a node that does not know of the new tape yet does not switch back", async () => {
    fixture.edge.follow(live);
    fixture.receive(stateOf("one@1"));
    // Another node has switched the session to a tape that this one does not know of.
    fixture.edge.follow({ ...live, rev: 2, tape: "two@1" });
    expect(fixture.switches).toHaveLength(1);
    await fixture.finishSwitch(false); // Redis says that there is nothing to change
    expect(fixture.switches).toHaveLength(0);
    fixture.receive(stateOf("two@1"));
    expect(fixture.switches).toHaveLength(0);
  });
});
