import { setTimeout as sleep } from "node:timers/promises";
import { LiveMaintenance } from "@tapedeck/live";
import { checkTrack } from "@tapedeck/live/testing";
import { createLogger } from "@tapedeck/runtime";
import { FolderTapeStore } from "@tapedeck/tape";
import { afterAll, afterEach, describe, expect } from "vitest";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { FakeBitmex } from "../support/exchange/bitmex.js";
import { FeedFollower } from "../support/feed-follower.js";

const exchange = new FakeBitmex();
await exchange.open();
exchange.market("XBTUSD").run();
afterAll(() => exchange.close());

const test = testOnCluster(() => ({
  gateways: 1,
  apis: 1,
  tickers: 1,
  feeds: 2,
  ownRedis: "keeps its data",
  env: { feed: { BITMEX_URL: exchange.url, SILENCE_MS: "3000", LIVE_PART_S: "2", LIVE_KEEP_S: "1" } },
}));

/** The feed that records the instrument. */
async function recording(cluster: TestCluster) {
  const node = await cluster.redis.hget(cluster.keys.liveTape("BITMEX", "XBTUSD"), "node");
  return cluster.feeds.find(({ name }) => node?.startsWith(`${name}-`)) ?? expect.fail(`no feed is ${node}`);
}

describe("the events of a feed's tape are there once, and what is missing is a marked gap", () => {
  let feed: FeedFollower | undefined;
  afterEach(() => feed?.stop());

  async function follow(cluster: TestCluster): Promise<FeedFollower> {
    feed = new FeedFollower(cluster, "BITMEX", "XBTUSD", { lingerMs: 4_000 });
    await feed.more(100, 40_000); // a segment in the store, and frames that are in none
    return feed;
  }

  /** Ends the demand of the feed, and waits until its tape is finished. */
  async function finished(cluster: TestCluster): Promise<{ store: FolderTapeStore; tape: string }> {
    const store = new FolderTapeStore(cluster.tapes.folder);
    const tape = feed?.tapes.at(-1) ?? expect.fail("the feed has no tape");
    await feed?.stop();
    feed = undefined;
    const [id = ""] = tape.split("@");
    await cluster.until(async () => (await store.versions(id)).length > 0, "the tape to be finished", 60_000);
    return { store, tape };
  }

  test("[LT85] when feeds are killed", async ({ cluster }) => {
    const feed = await follow(cluster);
    for (let kills = 0; kills < 2; kills++) {
      cluster.signal(await recording(cluster), "SIGKILL");
      await feed.more(40, 40_000);
      await cluster.untilAllReady();
    }
    const { store, tape } = await finished(cluster);
    expect(feed.tapes).toHaveLength(1);
    const { flaws, gaps, checked, events } = await checkTrack(store, tape);
    expect(flaws).toEqual([]);
    expect(gaps).toEqual(["the feed was away", "the feed was away"]);
    expect(checked).toBeGreaterThan(feed.frames.length - 30);
    cluster.note(`events after two kills of feeds: ${events}, ${checked} frames of ${feed.frames.length} rebuilt`);
  });

  test("[LT82] when Redis is killed and keeps what it acknowledged", async ({ cluster }) => {
    const feed = await follow(cluster);
    const redis = cluster.ownRedis ?? expect.fail();
    process.kill(redis.pid, "SIGKILL");
    await sleep(500); // frames and events wait
    await redis.stop();
    await redis.start();
    await feed.more(40, 40_000);
    const { store, tape } = await finished(cluster);
    const { flaws, checked, gaps } = await checkTrack(store, tape);
    expect(flaws).toEqual([]);
    expect(gaps.filter((gap) => gap !== "the feed was away")).toEqual([]); // another feed may have taken over
    expect(checked).toBeGreaterThan(100);
    await cluster.untilAllReady();
  });

  test("[LT85] when Redis loses the feed: both tapes have all events of their frames", async ({ cluster }) => {
    const feed = await follow(cluster);
    const { keys, redis } = cluster;
    const [live, hash] = [keys.live("BITMEX", "XBTUSD"), keys.liveTape("BITMEX", "XBTUSD")];
    await redis.del(live, hash, keys.liveEvents("BITMEX", "XBTUSD"));
    await cluster.until(() => feed.tapes.length === 2, "frames of another tape", 40_000);
    await feed.more(30);
    const [former = ""] = feed.tapes;
    const { store, tape } = await finished(cluster);
    const log = createLogger({ service: "test", node: "test", level: "silent" });
    const maintenance = new LiveMaintenance({ redis, keys, store, log, orphanAfterMs: 0 });
    await cluster.until(
      async () =>
        (await maintenance.finishOrphans()).includes(former) || (await store.ids()).includes(former.slice(0, -2)),
      "the former tape to be finished",
      40_000,
    );
    for (const name of [former, tape]) {
      const { flaws, gaps, checked } = await checkTrack(store, name);
      expect([flaws, gaps]).toEqual([[], []]);
      expect(checked).toBeGreaterThan(25);
    }
  });
});
