import { afterAll, afterEach, beforeEach, describe, expect } from "vitest";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { FakeBitmex } from "../support/exchange/bitmex.js";
import { FeedFollower } from "../support/feed-follower.js";
import { now } from "../support/viewer.js";
import { Watchers } from "./watchers.js";

const exchange = new FakeBitmex();
await exchange.open();
exchange.market("XBTUSD").run();
afterAll(() => exchange.close());

const test = testOnCluster(() => ({
  gateways: 2,
  apis: 1,
  tickers: 1,
  feeds: 2,
  ownRedis: "forgets",
  env: { feed: { BITMEX_URL: exchange.url, SILENCE_MS: "3000" } },
}));

/** The feed that records the instrument. */
async function recording(cluster: TestCluster) {
  const node = await cluster.redis.hget(cluster.keys.liveTape("BITMEX", "XBTUSD"), "node");
  const service = cluster.feeds.find(({ name }) => node?.startsWith(`${name}-`));
  if (service === undefined) throw new Error(`nobody records, the hash says ${node}`);
  return service;
}

/** What must hold whatever happens: the frames keep all rules, and the newest shows the book that the exchange has. */
async function right(cluster: TestCluster, follower: FeedFollower): Promise<void> {
  expect(follower.flaws).toEqual([]);
  const market = exchange.market("XBTUSD");
  await cluster.until(() => {
    const { bids, asks } = JSON.parse(follower.frames.at(-1)?.json ?? "{}");
    const [bid, ask] = [market.book.bids.bestPrice, market.book.asks.bestPrice];
    return bids?.[0]?.[0] === bid && asks?.[0]?.[0] === ask;
  }, "a frame with the exchange's best prices");
}

describe("faults of a feed, with users who watch it", () => {
  let follower: FeedFollower | undefined;
  let watchers: Watchers | undefined;
  beforeEach(() => {
    exchange.silence(false);
  });
  afterEach(async () => {
    await watchers?.leave();
    await follower?.stop();
    follower = watchers = undefined;
  });

  async function follow(cluster: TestCluster): Promise<FeedFollower> {
    follower = new FeedFollower(cluster, "BITMEX", "XBTUSD");
    await follower.more(5, 30_000);
    return follower;
  }

  async function watch(cluster: TestCluster): Promise<Watchers> {
    watchers = await Watchers.gather(cluster, "BITMEX", "XBTUSD");
    return watchers;
  }

  test("[F10] killed: another feed goes on with the same tape, behind a marked hole", async ({ cluster }) => {
    const heard = await follow(cluster);
    const users = await watch(cluster);
    const victim = await recording(cluster);
    const fault = now();
    cluster.signal(victim, "SIGKILL");
    await users.untilFeedStatus(fault, /.*/);
    await heard.more(10);
    expect(heard.tapes).toHaveLength(1);
    expect(heard.gaps).toHaveLength(1);
    await right(cluster, heard);
    await users.untilFrames(fault, 20);
    expect(await users.check(fault)).toEqual(Array(3).fill([heard.gaps[0]]));
    cluster.note(`chaos SIGKILL feed: no frame for ${users.longestPause(fault)} ms, hole of ${heard.gaps[0]} ms`);
    await cluster.whole();
  });

  test("[F11] told to end: another one takes over, and the hole is no longer than some frames", async ({ cluster }) => {
    const heard = await follow(cluster);
    const users = await watch(cluster);
    const victim = await recording(cluster);
    const before = heard.gaps.length;
    const fault = now();
    cluster.signal(victim, "SIGTERM");
    await cluster.ended(victim);
    await heard.more(10);
    expect(heard.tapes).toHaveLength(1);
    const gaps = heard.gaps.slice(before);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toBeLessThan(1500);
    await right(cluster, heard);
    await users.untilFrames(fault, 20);
    expect(await users.check(fault)).toEqual(Array(3).fill(gaps));
    cluster.note(`chaos SIGTERM feed: no frame for ${users.longestPause(fault)} ms, hole of ${gaps[0]} ms`);
    await cluster.whole();
  });

  test("[F12] frozen for longer than its lock: the other goes on, and it is refused when it thaws", async ({
    cluster,
  }) => {
    const heard = await follow(cluster);
    const users = await watch(cluster);
    const victim = await recording(cluster);
    const fault = now();
    cluster.signal(victim, "SIGSTOP");
    await cluster.until(async () => (await recording(cluster)).name !== victim.name, "the other feed to claim it");
    await users.untilFeedStatus(fault, /.*/);
    await heard.more(10);
    const successor = await recording(cluster);
    const { connections } = exchange;
    cluster.signal(victim, "SIGCONT");
    await heard.more(15);
    expect((await recording(cluster)).name).toBe(successor.name);
    expect([heard.tapes.length, heard.gaps.length, exchange.connections]).toEqual([1, 1, connections]);
    await cluster.until(() => exchange.clients.size === 1, "the thawed feed to leave the exchange");
    await right(cluster, heard);
    await users.untilFrames(fault, 30);
    expect(await users.check(fault)).toEqual(Array(3).fill(heard.gaps));
    cluster.note(`chaos SIGSTOP feed: no frame for ${users.longestPause(fault)} ms, hole of ${heard.gaps[0]} ms`);
  });

  test("[F13] Redis loses the live tape: another tape begins, on the same connection to the exchange", async ({
    cluster,
  }) => {
    const heard = await follow(cluster);
    const users = await watch(cluster);
    const { connections } = exchange;
    const fault = now();
    await cluster.redis.del(cluster.keys.live("BITMEX", "XBTUSD"), cluster.keys.liveTape("BITMEX", "XBTUSD"));
    await cluster.until(() => heard.tapes.length === 2, "frames of another tape");
    await heard.more(10);
    expect(exchange.connections).toBe(connections);
    await right(cluster, heard);
    await users.untilFrames(fault, 20);
    await users.check(fault);
    cluster.note(`chaos live tape lost: no frame for ${users.longestPause(fault)} ms`);
  });

  test("[F15] the exchange drops the connection, goes silent, talks nonsense: right books, marked holes", async ({
    cluster,
  }) => {
    const heard = await follow(cluster);
    const users = await watch(cluster);
    const faults: [fault: () => void, reason: RegExp][] = [
      [() => exchange.drop(), /^BITMEX closed the connection/],
      [() => exchange.sendUnreadable("<html>"), /^BITMEX sent what cannot be read/],
      [() => exchange.lose(20), /^Book updates of BITMEX are missing/],
    ];
    const began = now();
    for (const [fault, reason] of faults) {
      const [before, at] = [heard.gaps.length, now()];
      fault();
      await cluster.until(() => heard.gaps.length > before, "a marked hole");
      await users.untilFeedStatus(at, reason);
      await heard.more(5);
      await right(cluster, heard);
    }
    const [before, at] = [heard.gaps.length, now()];
    exchange.silence(true);
    await heard.told("connecting", /has said nothing of XBTUSD/, 30_000);
    exchange.silence(false);
    await cluster.until(() => heard.gaps.length > before, "a marked hole");
    await users.untilFeedStatus(at, /^BITMEX has said nothing of XBTUSD for 3 s/);
    await right(cluster, heard);
    await users.untilFrames(now(), 20);
    for (const holes of await users.check(began)) expect(holes.length).toBeGreaterThanOrEqual(4);
  });

  test("[F16] the exchange is away: users are told why, and see no frame until it is back", async ({ cluster }) => {
    const heard = await follow(cluster);
    const users = await watch(cluster);
    const fault = now();
    await exchange.away();
    await heard.told("down", /^BITMEX cannot be reached at 127\.0\.0\.1:\d+: connect ECONNREFUSED/);
    const { length } = heard.frames;
    expect(await cluster.http.get("/health")).toMatchObject({
      body: {
        feeds: [
          expect.objectContaining({ source: "BITMEX", status: "down", reason: expect.stringContaining("reached") }),
        ],
      },
    });
    expect(heard.frames).toHaveLength(length);
    await exchange.open();
    await users.untilFeedStatus(fault, /^BITMEX cannot be reached/, "down");
    await users.untilFrames(now(), 20);
    expect(await users.check(fault)).toEqual(Array(3).fill([heard.gaps.at(-1)]));
    await right(cluster, heard);
  });

  test("[F14] Redis restarts without its data: recording goes on as another tape", async ({ cluster }) => {
    const heard = await follow(cluster);
    const { connections } = exchange;
    const fault = now();
    await cluster.ownRedis?.stop();
    await cluster.ownRedis?.start();
    await cluster.until(() => heard.tapes.length === 2, "frames of another tape", 40_000);
    await heard.more(10);
    // Its lease was lost with the rest: whichever feed gets it next takes over from the one that goes on recording.
    expect(exchange.connections - connections).toBeLessThanOrEqual(1);
    await right(cluster, heard);
    cluster.note(`chaos Redis without data: no frame for ${Math.round(heard.longestPause(fault))} ms`);
  });
});
