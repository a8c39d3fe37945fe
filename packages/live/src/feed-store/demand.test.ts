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

async function refusal(wish: Promise<unknown>): Promise<string> {
  const error = await wish.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RefusedError)) throw new Error(`not refused but ${error}`);
  return `${error.code} ${error.message}`;
}

async function standing(its: string): Promise<string> {
  const { demanded, lingering } = await new LiveMaintenance({ ...rig }).inspect(source, its);
  return lingering ? "left" : demanded ? "wanted" : "unwanted";
}

describe("[LV86] a session asks for one feed at a time", () => {
  test("and has left the one before as soon as it asks for another, or for none", async () => {
    await live.requestFeed(source, "A", one);
    expect(await standing("A")).toBe("wanted");
    await live.requestFeed(source, "B", one);
    expect([await standing("A"), await standing("B")]).toEqual(["left", "wanted"]);
    await live.releaseFeed(one);
    await live.releaseFeed(one);
    expect(await standing("B")).toBe("left");
  });

  test("and a feed is left when the last of those who asked for it has left it", async () => {
    await live.requestFeed(source, "A", one);
    await live.requestFeed(source, "A", stranger);
    await live.releaseFeed(one);
    expect(await standing("A")).toBe("wanted");
    await live.requestFeed(source, "B", stranger);
    expect(await standing("A")).toBe("left");
    await live.renewFeed(source, "A", one);
    expect(await standing("A")).toBe("wanted");
  });

  test("and a feed that was left is dropped unless somebody has wanted it since", async () => {
    const upkeep = new LiveMaintenance({ ...rig });
    await live.requestFeed(source, "A", one);
    expect(await upkeep.dropLingering(source, "A")).toBe(false);
    await live.releaseFeed(one);
    await live.requestFeed(source, "A", stranger);
    expect(await upkeep.dropLingering(source, "A")).toBe(false);
    await live.releaseFeed(stranger);
    expect(await upkeep.dropLingering(source, "A")).toBe(true);
    expect(await standing("A")).toBe("unwanted");
  });

  test("and one that asks again while it is taken for gone keeps its feed", async () => {
    const [seconds, micros] = await rig.redis.time();
    const seen = Number(seconds) * 1000 + Number(micros) / 1000;
    await live.requestFeed(source, "A", one);
    await live.releaseFeed(one, seen - 1_000);
    expect(await standing("A")).toBe("wanted");
    await live.releaseFeed(one, seen + 1_000);
    expect(await standing("A")).toBe("left");
  });

  test("and one that was left is forgotten when nobody has come back", async () => {
    const brief = rig.process({ lingerMs: 100 }).live;
    await brief.requestFeed(source, "A", one);
    await brief.releaseFeed(one);
    const upkeep = new LiveMaintenance({ ...rig });
    await expect.poll(() => upkeep.inspectAll()).toEqual([]);
    expect(await rig.redis.zcard(rig.keys.liveLeft)).toBe(0);
    expect(await rig.redis.zcard(rig.keys.liveWanted)).toBe(0);
  });

  test("and what a gateway of an earlier release wants is not taken for left", async () => {
    await live.requestFeed(source, "A", one);
    await live.releaseFeed(one);
    await rig.redis.zadd(rig.keys.liveWanted, "GT", 1e13, `${source}:A`);
    expect(await standing("A")).toBe("wanted");
    expect(await new LiveMaintenance({ ...rig }).dropLingering(source, "A")).toBe(false);
  });
});

describe("[LV87] the sessions of one user ask for no more feeds than they may", () => {
  test("at a time, whoever else asks for them", async () => {
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

  test("and one that has left a feed may have another at once, any number of times", async () => {
    await live.requestFeed(source, "A", one);
    for (let n = 0; n < 50; n++) await live.requestFeed(source, `N${n}`, two);
    await live.releaseFeed(two);
    await live.requestFeed(source, "C", three);
    await live.requestFeed(source, "A", two);
    expect(await standing("N49")).toBe("left");
  });

  test("and what nobody renews counts no more", async () => {
    const brief = rig.process({ instrumentsPerUser: 1, lingerMs: 200 }).live;
    await brief.requestFeed(source, "A", one);
    expect(await refusal(brief.requestFeed(source, "B", two))).toContain("TOO_MANY_INSTRUMENTS");
    await expect.poll(() => brief.requestFeed(source, "B", two).then(() => "wanted", String)).toBe("wanted");
  });

  test("and a refused one keeps what it had", async () => {
    await live.requestFeed(source, "A", one);
    await live.requestFeed(source, "B", two);
    await live.requestFeed(source, "B", three);
    await refusal(live.requestFeed(source, "C", three));
    await live.requestFeed(source, "A", two);
    expect(await standing("B")).toBe("wanted");
  });
});

test("[LV87] and have so many begun that nobody was watching, in a time", async () => {
  const { live: limited } = rig.process({ instrumentStarts: { points: 2, seconds: 60 } });
  await live.requestFeed(source, "WATCHED", stranger);
  for (const symbol of ["A", "B", "WATCHED", "A", "WATCHED", "B"]) await limited.requestFeed(source, symbol, one);
  expect(await refusal(limited.requestFeed(source, "C", one))).toMatch(
    /^TOO_MANY_REQUESTS symbol: at most 2 new live instruments in 60 s\. .* try again in (59|60) s\.$/,
  );
  expect(await standing("B")).toBe("wanted");
  await limited.requestFeed(source, "C", stranger);
});

test("[LV88] a symbol that the venue does not list is refused by the field's name, and any is tried without a list", async () => {
  await live.requestFeed(source, "NOSUCH", one);
  await new FeedStore(rig.redis, rig.keys).storeSymbols(source, ["A", "B"], 60_000);
  expect(await refusal(live.requestFeed(source, "NOSUCH", two))).toBe(
    "INVALID_VALUE symbol: SIM does not list NOSUCH. Accepted are the symbols that SIM trades, such as BTCUSDT. Nothing was changed.",
  );
  await live.requestFeed(source, "A", two);
  await live.renewFeed(source, "NOSUCH", one);
  await live.requestFeed("OTHER", "NOSUCH", two);
});

describe("[FD29] a tape that nobody kept watching", () => {
  const upkeep = () => new LiveMaintenance({ ...rig, keepSeconds: 10 });
  const listed = async () => (await rig.process().live.list()).map(({ id }) => id);

  /** A feed has let go of a tape of so many frames, ten a second. */
  async function letGo(frames: number): Promise<string> {
    const writer = await rig.claim({ settings: { segmentSeconds: 6 } });
    await appendAll(writer, someFrames(0, frames));
    await writer.release();
    return writer.tape;
  }

  test("[LV90] is neither listed nor kept", async () => {
    const tape = await letGo(90);
    expect(await listed()).toEqual([]);
    expect(await upkeep().removeShortTapes(await upkeep().inspectAll())).toEqual(new Set([tape]));
    expect(await rig.store.tapesWithSegments()).toEqual([]);
    expect(await rig.redis.exists(rig.keys.live(source, symbol))).toBe(0);
    expect(await rig.redis.zcard(rig.keys.liveFeeds)).toBe(0);
    expect(await upkeep().removeShortTapes(await upkeep().inspectAll())).toEqual(new Set());
  });

  test("is no more for those who had it open", async () => {
    const reader = rig.process();
    const writer = await rig.claim();
    await appendAll(writer, someFrames(0, 20));
    expect((await reader.tapes.open(writer.tape)).span.lastSeq).toBe(19);
    await writer.release();
    await upkeep().removeShortTapes(await upkeep().inspectAll());
    await expect.poll(() => reader.tapes.open(writer.tape).then(() => "there", String)).toContain("does not exist");
  });

  test("is removed when a session has left it that stood on it for a moment", async () => {
    const short = await letGo(20);
    await rig.redis.zadd(rig.keys.created, 1, "s");
    await rig.redis.hset(rig.keys.session("s"), { tape: short, edge: "0" });
    const same = upkeep();
    expect(await same.removeShortTapes(await same.inspectAll())).toEqual(new Set([short]));
    expect(await rig.redis.exists(rig.keys.live(source, symbol))).toBe(1);
    await rig.redis.hset(rig.keys.session("s"), { tape: "another@1" });
    expect(await same.removeShortTapes(await same.inspectAll())).toEqual(new Set([short]));
    expect(await rig.redis.exists(rig.keys.live(source, symbol))).toBe(0);
  });

  test("is kept where it is long, or a session stands on it, or somebody wants it again", async () => {
    const long = await letGo(150);
    expect(await upkeep().removeShortTapes(await upkeep().inspectAll())).toEqual(new Set());
    await (await rig.claim()).finish();
    expect(await rig.store.versions(long.replace("@1", ""))).toEqual([1]);

    const short = await letGo(20);
    await rig.redis.zadd(rig.keys.created, 1, "s");
    await rig.redis.hset(rig.keys.session("s"), { tape: short, edge: "0" });
    const patient = new LiveMaintenance({ ...rig, keepSeconds: 3 });
    const looks = async () => patient.removeShortTapes(await patient.inspectAll());
    expect(await looks()).toEqual(new Set([short]));
    expect(await rig.redis.exists(rig.keys.live(source, symbol))).toBe(1);
    await expect.poll(looks, { interval: 200, timeout: 8_000 }).toEqual(new Set());
    expect(await rig.redis.exists(rig.keys.live(source, symbol))).toBe(1);
    await rig.redis.hset(rig.keys.session("s"), { edge: "1" });
    await live.requestFeed(source, symbol, one);
    expect(await upkeep().removeShortTapes(await upkeep().inspectAll())).toEqual(new Set());
    expect(await listed()).toHaveLength(1);
    await live.releaseFeed(one);
    await upkeep().dropLingering(source, symbol);
    expect(await upkeep().removeShortTapes(await upkeep().inspectAll())).toEqual(new Set([short]));
  });
});
