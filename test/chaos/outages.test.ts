import { afterAll, beforeAll, describe, expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import "../support/expect.js";
import { Bucket } from "../support/s3-server.js";
import { now } from "../support/viewer.js";
import { framesSince, join, MixedSessions, type User } from "./mixed-sessions.js";

/** Sessions that the only ticker may hold. */
const capacity = 4;
/** Longer than a lock lives without renewal. */
const outageMs = 6_000;
/** A speed that plays the frames fetched ahead, some minutes at 1x, within the outage. */
const fast = 60;

let bucket: Bucket;
beforeAll(async () => {
  bucket = await Bucket.withTapes("usdm", "primary");
});
afterAll(() => bucket.dispose());

const test = testOnCluster(() => ({
  gateways: 2,
  apis: 2,
  tickers: 1,
  feeds: 1,
  restart: false,
  ownRedis: "forgets",
  env: { all: bucket.env, ticker: { TICKER_SESSIONS: `${capacity}` }, feed: { LIVE_PART_S: "2" } },
}));

describe("outages of a shared part", () => {
  test("[F24] while the tape store is unavailable, recorded sessions play from memory and then stall; live and simulated markets continue", async ({
    cluster,
  }) => {
    const sessions = await MixedSessions.start(cluster, fast);
    await sessions.checkStoreOutage("is away", { begin: () => bucket.away(), end: () => bucket.back() });
    await sessions.expectAllRecovered();
    await sessions.end();
  });

  test("[F23] [LS9] while Redis is out of memory, playback continues and commands are refused with the reason; afterwards they work", async ({
    cluster,
  }) => {
    const sessions = await MixedSessions.start(cluster);
    const { replay, live, simulation } = sessions;
    const began = now();
    await cluster.redis.config("SET", "maxmemory", "1mb");
    try {
      await sessions.expectUnavailable("POST", "/sessions/create", {}, /out of memory/);
      await sessions.expectUnavailable("POST", `/replay/pause/${replay.id}`, {}, /out of memory/);
      await expect(replay.viewer.command("pause")).rejects.toThrow(/out of memory/);
      expect((await cluster.http.session(replay.id)).state).toBe("PLAYING");
      await sessions.wait(outageMs);
      for (const user of [replay, simulation]) expect(framesSince(began, user)).toBeGreaterThan(outageMs / 150);
      cluster.note(`chaos Redis full: ${framesSince(began, live)} live frames during the outage`);
    } finally {
      await cluster.redis.config("SET", "maxmemory", "0");
    }
    const pause = () => cluster.http.call("POST", `/replay/pause/${replay.id}`);
    await cluster.until(async () => (await pause()).status === 200, "a pause");
    await cluster.http.control(replay.id, "resume");
    await sessions.expectAllRecovered();
    await sessions.end();
  });

  test("[F22] while all tickers are full, gateways render further sessions, which accept commands; tickers take them when other sessions end", async ({
    cluster,
  }) => {
    const sessions = await MixedSessions.start(cluster);
    const users: User[] = [];
    for (let nth = 0; nth < 3 * capacity; nth++) users.push(await join(cluster, { tape: "usdm" }));
    for (const { id } of users) await cluster.http.control(id, "start");
    await Promise.all(users.map(({ viewer }) => viewer.next(20, 40_000)));
    const hasTicker = async ({ id }: User) => (await cluster.record(id)).ticker !== "";
    const held: User[] = [];
    for (const user of users) if (await hasTicker(user)) held.push(user);
    const waiting = users.filter((user) => !held.includes(user));
    cluster.note(
      `chaos tickers full: ${held.length} of ${users.length} sessions have a ticker beside two others, with a capacity of ${capacity}`,
    );
    const [first] = waiting;
    if (first === undefined) throw new Error("no session waits for a ticker");
    await cluster.http.control(first.id, "pause");
    await cluster.http.control(first.id, "seek", { seq: 100 });
    await first.viewer.until(() => first.viewer.lastSeq === 100, "the frame of the seek");
    await cluster.http.control(first.id, "resume");
    await first.viewer.next(10, 40_000);
    for (const { id, viewer } of held) await cluster.end({ id, viewers: [viewer] });
    for (const user of waiting) {
      const { id, viewer } = user;
      await cluster.until(() => hasTicker(user), "a ticker to take the session", 40_000);
      await viewer.next(10, 40_000);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      await cluster.end({ id, viewers: [viewer] }); // a ticker can take the next waiting session
    }
    await sessions.expectAllRecovered();
    await sessions.end();
  });

  test("[F21] without tickers, all sessions continue and accept commands; a new ticker takes all over", async ({
    cluster,
  }) => {
    const sessions = await MixedSessions.start(cluster);
    const { replay, live, simulation } = sessions;
    const [ticker] = cluster.tickers;
    if (ticker === undefined) throw new Error("no ticker");
    const gone = cluster.ended(ticker);
    const began = now();
    cluster.signal(ticker, "SIGKILL");
    await gone;
    for (const user of [replay, simulation, live]) {
      await user.viewer.until(() => framesSince(began, user) > 15, "frames without a ticker", 40_000);
    }
    const newcomer = await join(cluster, { tape: "usdm" });
    await cluster.http.control(newcomer.id, "seek", { seq: 50 });
    await newcomer.viewer.until(() => newcomer.viewer.lastSeq === 50, "the frame of the seek");
    await cluster.http.control(newcomer.id, "start");
    await newcomer.viewer.next(10, 40_000);
    await cluster.add("ticker");
    const back = now();
    const isServed = async ({ id }: User) => !(await cluster.record(id)).ticker.startsWith(ticker.name);
    for (const user of [newcomer, replay, simulation])
      await cluster.until(() => isServed(user), "the new ticker to take the session", 40_000);
    cluster.note(`chaos no ticker: all sessions have one ${Math.round(now() - back)} ms after a new ticker serves`);
    for (const { viewer } of [newcomer, replay, simulation, live]) {
      await viewer.next(20, 40_000);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect([viewer.closes, viewer.connections]).toEqual([[], 1]);
    }
    await cluster.end({ id: newcomer.id, viewers: [newcomer.viewer] });
    await sessions.end();
  });
});
