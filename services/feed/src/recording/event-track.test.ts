import { LiveMaintenance } from "@tapedeck/live";
import { checkTrack, readLiveEvents } from "@tapedeck/live/testing";
import { createLogger } from "@tapedeck/runtime";
import { parseTapeName } from "@tapedeck/tape";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { FakeBinance } from "../../../../test/support/exchange/binance.js";
import { FakeBitmex } from "../../../../test/support/exchange/bitmex.js";
import { soon } from "../../../../test/support/soon.js";
import { Rig, type TestFollower, type TestWorker, venuesAt } from "../testing/rig.js";

let bitmex: FakeBitmex;
let binance: FakeBinance;
let rig: Rig;

beforeEach(async () => {
  bitmex = new FakeBitmex();
  binance = new FakeBinance();
  await Promise.all([bitmex.open(), binance.open()]);
  rig = new Rig(inject("redisUrl"), venuesAt({ bitmex, binance }), { lingerMs: 3000 });
});
afterEach(async () => {
  await rig.close();
  await Promise.all([bitmex.close(), binance.close()]);
});

/** Ends the demand, and checks the event track of the finished tape. */
async function endOf(follower: TestFollower, { feed }: TestWorker) {
  const tape = follower.frames.at(-1)?.tape ?? expect.fail("no frame has come");
  follower.stop();
  await vi.waitFor(() => expect(feed.leases).toBe(0), soon);
  const { id } = parseTapeName(tape);
  await vi.waitFor(async () => expect(await rig.store.versions(id)).toEqual([1]), soon);
  return checkTrack(rig.store, tape);
}

const gapsOfFrames = ({ frames }: TestFollower) => frames.flatMap(({ json }) => JSON.parse(json).gap_before_ms ?? []);

describe("the event track of a feed's tape", () => {
  test("[FD32] leads to the book of each frame, and has its trades", async () => {
    binance.market("BTCUSDT").run();
    const worker = await rig.feed();
    const follower = await rig.follow("BINANCE", "BTCUSDT");
    await follower.more(30);
    const { flaws, gaps, checked } = await endOf(follower, worker);
    expect([flaws, gaps]).toEqual([[], []]);
    expect(checked).toBeGreaterThanOrEqual(30);
  });

  test("[LT80] its newest event can be read within a second of its receipt", async () => {
    bitmex.market("XBTUSD").run();
    await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(20);
    const tape = follower.frames[0]?.tape ?? "";
    for (let look = 0; look < 5; look++) {
      await follower.more(3);
      let newest = 0n;
      for await (const entry of readLiveEvents(rig.redis, rig.keys, rig.store, tape)) {
        if ("receivedNs" in entry && entry.receivedNs > newest) newest = entry.receivedNs;
      }
      expect(Date.now() - Number(newest / 1_000_000n)).toBeLessThan(1_000);
    }
  });

  test("[FD34] has a gap and the whole book where a feed hands over, also where the frames of a simulated market have none", async () => {
    const first = await rig.feed();
    const follower = await rig.follow("SIM", "QUIET");
    await follower.more(15);
    const second = await rig.feed();
    await first.close();
    await follower.more(15);
    expect(gapsOfFrames(follower)).toEqual([]);
    const { flaws, gaps, checked } = await endOf(follower, second);
    expect([flaws, gaps]).toEqual([[], ["the feed was away"]]);
    expect(checked).toBeGreaterThanOrEqual(follower.frames.length - 15);
  });

  test("[FD34] has a gap where the venue's updates are missing", async () => {
    binance.market("BTCUSDT").run();
    const worker = await rig.feed();
    const follower = await rig.follow("BINANCE", "BTCUSDT");
    await follower.more(10);
    binance.lose(1);
    await follower.untilStatus("connecting", /Book updates of BINANCE are missing/);
    await follower.untilStatus("up");
    await follower.more(5);
    const { flaws, gaps } = await endOf(follower, worker);
    expect([flaws, gaps]).toEqual([[], ["Book updates of BINANCE are missing"]]);
  });

  test("[FD33] has every event once while connections to Redis break", async () => {
    bitmex.market("XBTUSD").run();
    const worker = await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(10);
    for (let cut = 0; cut < 4; cut++) {
      worker.connections.publisher.disconnect(true);
      await follower.more(8);
    }
    const { flaws, gaps, checked } = await endOf(follower, worker);
    expect([flaws, gaps]).toEqual([[], []]);
    expect(checked).toBeGreaterThanOrEqual(follower.frames.length);
  });

  test("[FD12] of a tape that Redis lost has the events of all its frames, and the next tape begins with the whole book", async () => {
    bitmex.market("XBTUSD").run();
    const worker = await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(15);
    await rig.redis.del(rig.keys.live("BITMEX", "XBTUSD"), rig.keys.liveTape("BITMEX", "XBTUSD"));
    await vi.waitFor(() => expect(new Set(follower.frames.map(({ tape }) => tape)).size).toBe(2), soon);
    await follower.more(10);
    const { flaws, gaps } = await endOf(follower, worker);
    expect([flaws, gaps]).toEqual([[], []]);
    const log = createLogger({ service: "feed", node: "test", level: "silent" });
    const [former = ""] = await new LiveMaintenance({ ...rig, log, orphanAfterMs: 0 }).finishOrphans();
    expect(former).toBe(follower.frames[0]?.tape);
    expect(await checkTrack(rig.store, former)).toMatchObject({ flaws: [], gaps: [] });
  });
});
