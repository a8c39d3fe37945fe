import { Queue } from "bullmq";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { FakeBitmex } from "../../../test/support/exchange/bitmex.js";
import { soon } from "../../../test/support/soon.js";
import { Rig, venuesAt } from "./testing/rig.js";

const feed = { source: "BITMEX", symbol: "XBTUSD" };
let bitmex: FakeBitmex;
let rig: Rig;

beforeEach(async () => {
  bitmex = new FakeBitmex();
  await bitmex.open();
  bitmex.market(feed.symbol).run();
  rig = new Rig(inject("redisUrl"), venuesAt({ bitmex }));
});
afterEach(async () => {
  await rig.close();
  await bitmex.close();
});

test("[FD35] an instrument whose hash is lost stays with its worker, even if another one is requested meanwhile", async () => {
  // Two workers in turn: the second one's job has a revision, so that a request of revision 0 adds another job.
  const first = await rig.feed();
  const follower = await rig.follow(feed.source, feed.symbol);
  await follower.more(3);
  await first.close();
  await rig.feed({ capacity: 1 });
  await follower.more(3);
  const idle = await rig.feed(); // the other one is full, so this one takes what is requested
  const { connections } = bitmex;

  await rig.redis.del(rig.keys.live(feed.source, feed.symbol), rig.keys.liveTape(feed.source, feed.symbol));
  await rig.queue.requestWorker(feed, 0);
  const queue = new Queue("{feed}", { connection: rig.redis, prefix: rig.keys.bullPrefix });
  await vi.waitFor(async () => expect(await queue.getJobs()).toHaveLength(1), soon);
  await vi.waitFor(() => expect(new Set(follower.frames.map(({ tape }) => tape)).size).toBe(2), soon);
  await follower.more(3);
  expect(bitmex.connections).toBe(connections);
  expect(idle.statuses.size).toBe(0);
  await queue.close();
});

test("[FD35] a new instrument is recorded by the worker that is requested first", async () => {
  await rig.feed();
  await rig.feed();
  await rig.queue.requestWorker(feed, 0);
  const follower = await rig.follow(feed.source, feed.symbol);
  await follower.more(3);
  expect(bitmex.connections).toBe(1);
});
