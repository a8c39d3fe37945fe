import { LiveMaintenance } from "@tapedeck/live";
import { checkTrack } from "@tapedeck/live/testing";
import { createLogger } from "@tapedeck/runtime";
import { openTapeStore } from "@tapedeck/tape";
import { afterAll, beforeAll, expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import { FakeBitmex } from "../support/exchange/bitmex.js";
import { FeedFollower } from "../support/feed-follower.js";
import { Bucket } from "../support/s3-server.js";

const exchange = new FakeBitmex();
let bucket: Bucket;
beforeAll(async () => {
  bucket = await Bucket.withTapes("usdm");
  await exchange.open();
  exchange.market("XBTUSD").run();
});
afterAll(async () => {
  await exchange.close();
  await bucket.dispose();
});

const test = testOnCluster(() => ({
  gateways: 1,
  apis: 1,
  tickers: 1,
  feeds: 1,
  ownRedis: "forgets",
  env: { all: bucket.env, feed: { BITMEX_URL: exchange.url, LIVE_PART_S: "2", LIVE_KEEP_S: "1" } },
}));

test("[LT88] a tape has all events, once, of a time in which the tape store was away", {
  timeout: 240_000,
}, async ({ cluster }) => {
  const feed = new FeedFollower(cluster, "BITMEX", "XBTUSD", { lingerMs: 4_000 });
  await feed.more(80, 40_000);
  await bucket.away();
  await feed.more(150, 40_000); // two segments
  await bucket.back();
  await feed.more(80, 40_000);
  const [tape = ""] = feed.tapes;
  await feed.stop();
  const store = await openTapeStore(bucket.env.TAPEDECK_STORE ?? "", bucket.env.S3_ENDPOINT);
  const [id = ""] = tape.split("@");
  // A busy machine may answer the feed too late: then maintenance finishes the tape, which it otherwise does two minutes later.
  const log = createLogger({ service: "test", node: "test", level: "silent" });
  const { keys, redis } = cluster;
  const maintenance = new LiveMaintenance({ redis, keys, store, log, orphanAfterMs: 0 });
  const isFinished = async () => {
    await maintenance.finishOrphans();
    return (await store.versions(id)).length > 0;
  };
  await cluster.until(isFinished, "the tape to be finished", 90_000);
  const { flaws, gaps, checked } = await checkTrack(store, tape);
  expect([feed.tapes.length, flaws, gaps]).toEqual([1, [], []]);
  expect(checked).toBeGreaterThanOrEqual(feed.frames.length);
});
