import type { FeedState } from "@tapedeck/live";
import { afterAll, afterEach, beforeEach, describe, expect } from "vitest";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { FakeBitmex } from "../support/exchange/bitmex.js";
import { FeedFollower } from "../support/feed-follower.js";
import { now } from "../support/viewer.js";
import { LiveViewers } from "./live-viewers.js";

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
  if (service === undefined) throw new Error(`no feed records it; the hash names ${node}`);
  return service;
}

/** After every fault: the frames are valid, and the newest shows the book of the exchange. */
async function expectRightBook(cluster: TestCluster, follower: FeedFollower): Promise<void> {
  expect(follower.flaws).toEqual([]);
  const market = exchange.market("XBTUSD");
  await cluster.until(() => {
    const { bids, asks } = JSON.parse(follower.frames.at(-1)?.json ?? "{}");
    const [bid, ask] = [market.book.bids.bestPrice, market.book.asks.bestPrice];
    return bids?.[0]?.[0] === bid && asks?.[0]?.[0] === ask;
  }, "a frame with the exchange's best prices");
}

describe("faults of a feed while users watch it", () => {
  let follower: FeedFollower | undefined;
  let liveViewers: LiveViewers | undefined;
  beforeEach(() => {
    exchange.silence(false);
  });
  afterEach(async () => {
    await liveViewers?.stop();
    await follower?.stop();
    follower = liveViewers = undefined;
  });

  async function follow(cluster: TestCluster): Promise<FeedFollower> {
    follower = new FeedFollower(cluster, "BITMEX", "XBTUSD");
    await follower.more(5, 30_000);
    return follower;
  }

  async function watch(cluster: TestCluster): Promise<LiveViewers> {
    liveViewers = await LiveViewers.start(cluster, "BITMEX", "XBTUSD");
    return liveViewers;
  }

  test("[F10] killed: another feed continues the same tape after a marked gap", async ({ cluster }) => {
    const feed = await follow(cluster);
    const users = await watch(cluster);
    const victim = await recording(cluster);
    const fault = now();
    cluster.signal(victim, "SIGKILL");
    await feed.more(10);
    expect(feed.tapes).toHaveLength(1);
    expect(feed.gaps).toHaveLength(1);
    await expectRightBook(cluster, feed);
    await users.untilFrames(fault, 20);
    expect(await users.check(fault)).toEqual(Array(3).fill([feed.gaps[0]]));
    cluster.note(`chaos SIGKILL feed: no frame for ${users.longestPause(fault)} ms, gap of ${feed.gaps[0]} ms`);
    await cluster.untilAllReady();
  });

  test("[F11] stopped: another one takes over, and the gap is only a few frames long", async ({ cluster }) => {
    const feed = await follow(cluster);
    const users = await watch(cluster);
    const victim = await recording(cluster);
    const before = feed.gaps.length;
    const fault = now();
    cluster.signal(victim, "SIGTERM");
    await cluster.ended(victim);
    await feed.more(10);
    expect(feed.tapes).toHaveLength(1);
    const gaps = feed.gaps.slice(before);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toBeLessThan(1500);
    await expectRightBook(cluster, feed);
    await users.untilFrames(fault, 20);
    expect(await users.check(fault)).toEqual(Array(3).fill(gaps));
    cluster.note(`chaos SIGTERM feed: no frame for ${users.longestPause(fault)} ms, gap of ${gaps[0]} ms`);
    await cluster.untilAllReady();
  });

  test("[F12] frozen for longer than its lock: the other takes over, and the frozen one is fenced when it thaws", async ({
    cluster,
  }) => {
    const feed = await follow(cluster);
    const users = await watch(cluster);
    const victim = await recording(cluster);
    const fault = now();
    cluster.signal(victim, "SIGSTOP");
    await cluster.until(async () => (await recording(cluster)).name !== victim.name, "the other feed to claim it");
    await feed.more(10);
    const successor = await recording(cluster);
    const { connections } = exchange;
    cluster.signal(victim, "SIGCONT");
    await feed.more(15);
    expect((await recording(cluster)).name).toBe(successor.name);
    expect([feed.tapes.length, feed.gaps.length, exchange.connections]).toEqual([1, 1, connections]);
    await cluster.until(() => exchange.clients.size === 1, "the thawed feed to leave the exchange");
    await expectRightBook(cluster, feed);
    await users.untilFrames(fault, 30);
    expect(await users.check(fault)).toEqual(Array(3).fill(feed.gaps));
    cluster.note(`chaos SIGSTOP feed: no frame for ${users.longestPause(fault)} ms, gap of ${feed.gaps[0]} ms`);
  });

  test("[F13] Redis loses the live tape: another tape begins, on the same connection to the exchange", async ({
    cluster,
  }) => {
    const feed = await follow(cluster);
    const users = await watch(cluster);
    const { connections } = exchange;
    const fault = now();
    await cluster.redis.del(cluster.keys.live("BITMEX", "XBTUSD"), cluster.keys.liveTape("BITMEX", "XBTUSD"));
    await cluster.until(() => feed.tapes.length === 2, "frames of another tape");
    await feed.more(10);
    expect(exchange.connections).toBe(connections);
    await expectRightBook(cluster, feed);
    await users.untilFrames(fault, 20);
    await users.check(fault);
    cluster.note(`chaos live tape lost: no frame for ${users.longestPause(fault)} ms`);
  });

  test("[F15] the exchange drops the connection, goes silent or sends garbage: right books, marked gaps", async ({
    cluster,
  }) => {
    const feed = await follow(cluster);
    const users = await watch(cluster);
    const faults: [fault: () => void, reason: RegExp][] = [
      [() => exchange.drop(), /^BITMEX closed the connection/],
      [() => exchange.sendUnreadable("<html>"), /^BITMEX sent an unreadable message/],
      [() => exchange.lose(20), /^Book updates of BITMEX are missing/],
    ];
    const began = now();
    for (const [fault, reason] of faults) {
      const [before, at] = [feed.gaps.length, now()];
      fault();
      await cluster.until(() => feed.gaps.length > before, "a marked gap");
      await users.untilFeedStatus(at, reason);
      await feed.more(5);
      await expectRightBook(cluster, feed);
    }
    const [before, at, known] = [feed.gaps.length, now(), feed.states.length];
    exchange.silence(true);
    // "connecting", and "down" once a further attempt has met the silence, too.
    const isSilent = ({ status: { status, reason } }: FeedState) =>
      status !== "up" && /sent nothing about XBTUSD/.test(reason ?? "");
    await cluster.until(() => feed.states.slice(known).some(isSilent), "the feed to notice the silence", 30_000);
    exchange.silence(false);
    await cluster.until(() => feed.gaps.length > before, "a marked gap");
    await users.untilFeedStatus(at, /^BITMEX sent nothing about XBTUSD for 3 s/);
    await expectRightBook(cluster, feed);
    await users.untilFrames(now(), 20);
    for (const gaps of await users.check(began)) expect(gaps.length).toBeGreaterThanOrEqual(4);
  });

  test("[F16] the exchange is away: users learn why, and get no frame until it is back", async ({ cluster }) => {
    const feed = await follow(cluster);
    const users = await watch(cluster);
    // After ten seconds a connection counts as good: the faults above no longer delay the next attempt by half a minute.
    await feed.more(110, 30_000);
    const fault = now();
    await exchange.away();
    await feed.untilStatus("down", /^BITMEX cannot be reached at 127\.0\.0\.1:\d+: connect ECONNREFUSED/);
    const { length } = feed.frames;
    expect(await cluster.http.get("/health")).toMatchObject({
      body: {
        feeds: [
          expect.objectContaining({ source: "BITMEX", status: "down", reason: expect.stringContaining("reached") }),
        ],
      },
    });
    expect(feed.frames).toHaveLength(length);
    await exchange.open();
    await users.untilFeedStatus(fault, /^BITMEX cannot be reached/, "down");
    await users.untilFrames(now(), 20);
    expect(await users.check(fault)).toEqual(Array(3).fill([feed.gaps.at(-1)]));
    await expectRightBook(cluster, feed);
  });

  test("[F14] Redis restarts without its data: recording continues on another tape", async ({ cluster }) => {
    const feed = await follow(cluster);
    const { connections } = exchange;
    const fault = now();
    await cluster.ownRedis?.stop();
    await cluster.ownRedis?.start();
    await cluster.until(() => feed.tapes.length === 2, "frames of another tape", 40_000);
    await feed.more(10);
    // The lease was lost too: the next feed to get it takes over from the one that still records.
    expect(exchange.connections - connections).toBeLessThanOrEqual(1);
    await expectRightBook(cluster, feed);
    cluster.note(`chaos Redis without data: no frame for ${Math.round(feed.longestPause(fault))} ms`);
  });
});
