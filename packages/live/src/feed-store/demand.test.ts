import { RefusedError } from "@tapedeck/protocol";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import type { LiveTapes } from "../follower/live-tapes.js";
import { LiveMaintenance } from "../maintenance/live-maintenance.js";
import { appendAll, Rig, someFrames, source, symbol } from "../testing/rig.js";
import { FeedStore } from "./feed-store.js";

let rig: Rig;
let live: LiveTapes;
beforeEach(() => {
  rig = new Rig(inject("redisUrl"));
  live = rig.process({ instrumentsPerUser: 2 }).live;
});
afterEach(() => rig.close());

const one = { session: "one", owner: "user a" };
const two = { session: "two", owner: "user a" };
const three = { session: "three", owner: "user a" };
const stranger = { session: "stranger", owner: "user b" };

async function refusal(request: Promise<unknown>): Promise<string> {
  const error = await request.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RefusedError)) throw new Error(`the request was not refused: ${error}`);
  return `${error.code} ${error.message}`;
}

/** Whether sessions request the feed, it only lingers, or neither. */
async function demandFor(instrument: string): Promise<string> {
  const { demanded, lingering } = await new LiveMaintenance({ ...rig }).inspect(source, instrument);
  return lingering ? "lingering" : demanded ? "requested" : "none";
}

describe("[LV86] a session requests one feed at a time", () => {
  test("and releases it when it requests another one or leaves LIVE", async () => {
    await live.requestFeed(source, "A", one);
    expect(await demandFor("A")).toBe("requested");
    await live.requestFeed(source, "B", one);
    expect([await demandFor("A"), await demandFor("B")]).toEqual(["lingering", "requested"]);
    await live.releaseFeed(one);
    await live.releaseFeed(one);
    expect(await demandFor("B")).toBe("lingering");
  });

  test("and a feed lingers when the last session that requested it has released it", async () => {
    await live.requestFeed(source, "A", one);
    await live.requestFeed(source, "A", stranger);
    await live.releaseFeed(one);
    expect(await demandFor("A")).toBe("requested");
    await live.requestFeed(source, "B", stranger);
    expect(await demandFor("A")).toBe("lingering");
    await live.renewFeed(source, "A", one);
    expect(await demandFor("A")).toBe("requested");
  });

  test("and a lingering feed is dropped unless a session has requested it since", async () => {
    const maintenance = new LiveMaintenance({ ...rig });
    await live.requestFeed(source, "A", one);
    expect(await maintenance.dropLingering(source, "A")).toBe(false);
    await live.releaseFeed(one);
    await live.requestFeed(source, "A", stranger);
    expect(await maintenance.dropLingering(source, "A")).toBe(false);
    await live.releaseFeed(stranger);
    expect(await maintenance.dropLingering(source, "A")).toBe(true);
    expect(await demandFor("A")).toBe("none");
  });

  test("and a session that renews its request while it is being released as gone keeps its feed", async () => {
    const [seconds, micros] = await rig.redis.time();
    const seen = Number(seconds) * 1000 + Number(micros) / 1000;
    await live.requestFeed(source, "A", one);
    await live.releaseFeed(one, seen - 1_000);
    expect(await demandFor("A")).toBe("requested");
    await live.releaseFeed(one, seen + 1_000);
    expect(await demandFor("A")).toBe("lingering");
  });

  test("and a lingering feed is out of demand after the linger time", async () => {
    const brief = rig.process({ lingerMs: 100 }).live;
    await brief.requestFeed(source, "A", one);
    await brief.releaseFeed(one);
    const maintenance = new LiveMaintenance({ ...rig });
    await expect.poll(() => maintenance.inspectAll()).toEqual([]);
    expect(await rig.redis.zcard(rig.keys.liveLeft)).toBe(0);
    expect(await rig.redis.zcard(rig.keys.liveWanted)).toBe(0);
  });

  test("and a request by a gateway of an earlier release counts", async () => {
    await live.requestFeed(source, "A", one);
    await live.releaseFeed(one);
    await rig.redis.zadd(rig.keys.liveWanted, "GT", 1e13, `${source}:A`);
    expect(await demandFor("A")).toBe("requested");
    expect(await new LiveMaintenance({ ...rig }).dropLingering(source, "A")).toBe(false);
  });
});

describe("[LV87] the number of feeds that the sessions of one user request is limited", () => {
  test("at a time, whether or not other users request the same feeds", async () => {
    await live.requestFeed(source, "A", one);
    await live.requestFeed(source, "B", two);
    await live.requestFeed(source, "C", stranger);
    expect(await refusal(live.requestFeed(source, "C", three))).toBe(
      "TOO_MANY_INSTRUMENTS symbol: your sessions watch 2 live instruments already, the limit for one user. " +
        "Use one of those, or leave one first. Nothing was changed.",
    );
    await live.requestFeed(source, "B", three);
    await live.requestFeed(source, "A", two);
    await live.requestFeed(source, "C", three);
  });

  test("and a session that has released a feed may request another at once, any number of times", async () => {
    await live.requestFeed(source, "A", one);
    for (let n = 0; n < 50; n++) await live.requestFeed(source, `N${n}`, two);
    await live.releaseFeed(two);
    await live.requestFeed(source, "C", three);
    await live.requestFeed(source, "A", two);
    expect(await demandFor("N49")).toBe("lingering");
  });

  test("and a request that is not renewed does not count any more", async () => {
    const brief = rig.process({ instrumentsPerUser: 1, lingerMs: 200 }).live;
    await brief.requestFeed(source, "A", one);
    expect(await refusal(brief.requestFeed(source, "B", two))).toContain("TOO_MANY_INSTRUMENTS");
    await expect.poll(() => brief.requestFeed(source, "B", two).then(() => "requested", String)).toBe("requested");
  });

  test("and a refused session keeps the feed that it had", async () => {
    await live.requestFeed(source, "A", one);
    await live.requestFeed(source, "B", two);
    await live.requestFeed(source, "B", three);
    await refusal(live.requestFeed(source, "C", three));
    await live.requestFeed(source, "A", two);
    expect(await demandFor("B")).toBe("requested");
  });
});

test("[LV87] the number of new feeds that the sessions of one user start in a period is limited", async () => {
  const { live: limited } = rig.process({ instrumentStarts: { points: 2, seconds: 60 } });
  await live.requestFeed(source, "WATCHED", stranger);
  for (const symbol of ["A", "B", "WATCHED", "A", "WATCHED", "B"]) await limited.requestFeed(source, symbol, one);
  expect(await refusal(limited.requestFeed(source, "C", one))).toMatch(
    /^TOO_MANY_REQUESTS symbol: at most 2 new live instruments in 60 s\. .* try again in (59|60) s\.$/,
  );
  expect(await demandFor("B")).toBe("requested");
  await limited.requestFeed(source, "C", stranger);
});

test("[LV88] a symbol that the venue does not list is refused, naming the field; without a list any symbol is tried", async () => {
  await live.requestFeed(source, "NOSUCH", one);
  await new FeedStore(rig.redis, rig.keys).storeSymbols(source, ["A", "B"], 60_000);
  expect(await refusal(live.requestFeed(source, "NOSUCH", two))).toBe(
    "INVALID_VALUE symbol: SIM does not list NOSUCH. Accepted are the symbols that SIM trades, such as BTCUSDT. Nothing was changed.",
  );
  await live.requestFeed(source, "A", two);
  await live.renewFeed(source, "NOSUCH", one);
  await live.requestFeed("OTHER", "NOSUCH", two);
});

describe("[FD29] a short tape of a released feed", () => {
  const maintenance = () => new LiveMaintenance({ ...rig, keepSeconds: 10 });
  const listed = async () => (await rig.process().live.list()).map(({ id }) => id);

  /** A released tape of this many frames, ten a second. */
  async function releasedTape(frames: number): Promise<string> {
    const writer = await rig.claim({ settings: { segmentSeconds: 6 } });
    await appendAll(writer, someFrames(0, frames));
    await writer.release();
    return writer.tape;
  }

  test("[LV90] is neither listed nor kept", async () => {
    const tape = await releasedTape(90);
    expect(await listed()).toEqual([]);
    expect(await maintenance().removeShortTapes(await maintenance().inspectAll())).toEqual(new Set([tape]));
    expect(await rig.store.tapesWithSegments()).toEqual([]);
    expect(await rig.redis.exists(rig.keys.live(source, symbol))).toBe(0);
    expect(await rig.redis.zcard(rig.keys.liveFeeds)).toBe(0);
    expect(await maintenance().removeShortTapes(await maintenance().inspectAll())).toEqual(new Set());
  });

  test("does not exist any more for a process that had it open", async () => {
    const reader = rig.process();
    const writer = await rig.claim();
    await appendAll(writer, someFrames(0, 20));
    expect((await reader.tapes.open(writer.tape)).span.lastSeq).toBe(19);
    await writer.release();
    await maintenance().removeShortTapes(await maintenance().inspectAll());
    await expect.poll(() => reader.tapes.open(writer.tape).then(() => "there", String)).toContain("does not exist");
  });

  test("is removed when the session that was on it for a moment has left", async () => {
    const short = await releasedTape(20);
    await rig.redis.zadd(rig.keys.created, 1, "s");
    await rig.redis.hset(rig.keys.session("s"), { tape: short, edge: "0" });
    const same = maintenance();
    expect(await same.removeShortTapes(await same.inspectAll())).toEqual(new Set([short]));
    expect(await rig.redis.exists(rig.keys.live(source, symbol))).toBe(1);
    await rig.redis.hset(rig.keys.session("s"), { tape: "another@1" });
    expect(await same.removeShortTapes(await same.inspectAll())).toEqual(new Set([short]));
    expect(await rig.redis.exists(rig.keys.live(source, symbol))).toBe(0);
  });

  test("is kept if it is long enough, a session stays on it, or its feed is in demand again", async () => {
    const long = await releasedTape(150);
    expect(await maintenance().removeShortTapes(await maintenance().inspectAll())).toEqual(new Set());
    await (await rig.claim()).finish();
    expect(await rig.store.versions(long.replace("@1", ""))).toEqual([1]);

    const short = await releasedTape(20);
    await rig.redis.zadd(rig.keys.created, 1, "s");
    await rig.redis.hset(rig.keys.session("s"), { tape: short, edge: "0" });
    const patient = new LiveMaintenance({ ...rig, keepSeconds: 3 });
    const check = async () => patient.removeShortTapes(await patient.inspectAll());
    expect(await check()).toEqual(new Set([short]));
    expect(await rig.redis.exists(rig.keys.live(source, symbol))).toBe(1);
    await expect.poll(check, { interval: 200, timeout: 8_000 }).toEqual(new Set());
    expect(await rig.redis.exists(rig.keys.live(source, symbol))).toBe(1);
    await rig.redis.hset(rig.keys.session("s"), { edge: "1" });
    await live.requestFeed(source, symbol, one);
    expect(await maintenance().removeShortTapes(await maintenance().inspectAll())).toEqual(new Set());
    expect(await listed()).toHaveLength(1);
    await live.releaseFeed(one);
    await maintenance().dropLingering(source, symbol);
    expect(await maintenance().removeShortTapes(await maintenance().inspectAll())).toEqual(new Set([short]));
  });
});
