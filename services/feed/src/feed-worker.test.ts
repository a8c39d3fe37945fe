import { LiveMaintenance } from "@tapedeck/live";
import { checkFrameText, checkNext } from "@tapedeck/protocol";
import { createLogger } from "@tapedeck/runtime";
import { parseTapeName } from "@tapedeck/tape";
import { Queue, Worker } from "bullmq";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { FakeBinance } from "../../../test/support/exchange/binance.js";
import { FakeBitmex } from "../../../test/support/exchange/bitmex.js";
import { soon } from "../../../test/support/soon.js";
import { type FollowedFrame, Rig, venuesAt } from "./testing/rig.js";

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

/** What is wrong with consecutive frames, apart from the start of a new tape. */
function flaws(frames: readonly FollowedFrame[]): string[] {
  return frames.flatMap(({ json, tape, seq }, at) => {
    const before = frames[at - 1];
    const next = before?.tape === tape ? checkNext(JSON.parse(before.json), JSON.parse(json)) : [];
    return [...checkFrameText(json), ...next].map((flaw) => `${tape} ${seq}: ${flaw}`);
  });
}

function gapsIn(frames: readonly FollowedFrame[]): number[] {
  return frames.flatMap(({ json }) => JSON.parse(json).gap_before_ms ?? []);
}

describe("an instrument in demand", () => {
  test("[FD16] is recorded with ten valid frames a second", async () => {
    bitmex.market("XBTUSD").run();
    const { statuses } = await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(30);
    expect(flaws(follower.frames)).toEqual([]);
    const [{ seq: from = 0 } = {}] = follower.frames;
    expect(follower.frames.map(({ seq }) => seq)).toEqual(follower.frames.map((_, n) => from + n));
    expect(JSON.parse(follower.frames.at(-1)?.json ?? "")).toMatchObject({ source: "BITMEX", symbol: "XBTUSD" });
    expect(statuses.get("BITMEX:XBTUSD")).toEqual({ status: "up" });
    const [first, last] = [follower.frames[5], follower.frames[25]];
    expect((last?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(1900);
  });

  test("[FD16] is recorded once, however many sessions and feed workers there are", async () => {
    bitmex.market("XBTUSD").run();
    await rig.feed();
    await rig.feed();
    const followers = await Promise.all(Array.from({ length: 20 }, () => rig.follow("BITMEX", "XBTUSD")));
    await Promise.all(followers.map((follower) => follower.more(10)));
    expect(bitmex.connections).toBe(1);
  });

  test("[FD21] ends when the demand ends, and its tape is finished with the same frames", async () => {
    binance.market("BTCUSDT").run();
    const { feed } = await rig.feed();
    const follower = await rig.follow("BINANCE", "BTCUSDT");
    await follower.more(20);
    const name = follower.frames[0]?.tape ?? "";
    follower.stop();
    await vi.waitFor(() => expect(feed.leases).toBe(0), soon);
    await vi.waitFor(() => expect(binance.clients.size).toBe(0), soon);
    const tape = await rig.open(name);
    expect(tape.span.growing).toBeFalsy();
    for (const { seq, json } of follower.frames) {
      expect((tape.block(seq) ?? (await tape.load(seq))).json(seq)).toBe(json);
    }
  });
});

describe("[FD23] followers learn", () => {
  test("that the symbol is unknown, in the venue's words", async () => {
    await rig.feed();
    const follower = await rig.follow("BITMEX", "NOSUCH");
    await follower.untilStatus("down", /BITMEX refuses NOSUCH: Unknown or expired symbol/);
  });

  test("that the venue cannot be reached, while the other feeds of the process continue", async () => {
    bitmex.market("XBTUSD").run();
    await rig.feed();
    const fine = await rig.follow("BITMEX", "XBTUSD");
    const nowhere = await rig.follow("KRAKEN", "XBT/USD");
    await nowhere.untilStatus("down", /^KRAKEN cannot be reached at 127\.0\.0\.1:1: connect ECONNREFUSED/);
    await fine.more(10);
    await fine.untilStatus("up");
  });

  test("that the venue refuses, and when it accepts again", async () => {
    const market = bitmex.market("XBTUSD");
    market.run();
    bitmex.refuse(503);
    await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.untilStatus("down", /BITMEX refuses connections: 503/);
    bitmex.refuse(undefined);
    await follower.more(5);
    await follower.untilStatus("up");
  });
});

describe("faults at the venue", () => {
  test("[FD9] a lost connection leaves a marked gap, and the book after it is the venue's", async () => {
    const market = bitmex.market("XBTUSD");
    market.run();
    await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(10);
    await bitmex.away();
    await follower.untilStatus("down", /BITMEX cannot be reached/);
    const before = follower.frames.length;
    await new Promise((resolve) => setTimeout(resolve, 500)); // the venue stays away for a while
    expect(follower.frames.length).toBe(before);
    await bitmex.open();
    await follower.more(10);
    expect(gapsIn(follower.frames)).toHaveLength(1);
    expect(flaws(follower.frames)).toEqual([]);
    market.stop();
    await vi.waitFor(() => {
      const { bids, asks } = JSON.parse(follower.frames.at(-1)?.json ?? "{}");
      expect([bids, asks]).toEqual([market.book.bids.top(20), market.book.asks.top(20)]);
    }, soon);
  });

  test("[FD4] missing sequence numbers leave a marked gap, on the same connection", async () => {
    const market = binance.market("BTCUSDT");
    market.run();
    await rig.feed();
    const follower = await rig.follow("BINANCE", "BTCUSDT");
    await follower.more(10);
    binance.lose(1);
    await follower.untilStatus("connecting", /Book updates of BINANCE are missing/);
    await follower.untilStatus("up");
    await follower.more(5);
    expect([gapsIn(follower.frames).length, binance.connections]).toEqual([1, 1]);
    expect(flaws(follower.frames)).toEqual([]);
  });

  test("[FD10] silence causes a new connection, and a gap only if the market has moved", async () => {
    const market = bitmex.market("XBTUSD");
    market.run();
    await rig.feed({ silenceMs: 1000 });
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(10);
    bitmex.silence(true);
    await follower.untilStatus("connecting", /BITMEX sent nothing about XBTUSD for 1 s/);
    bitmex.silence(false);
    await follower.more(5);
    expect(gapsIn(follower.frames)).toHaveLength(1);
    market.stop(); // a quiet market
    const { connections } = bitmex;
    await vi.waitFor(() => expect(bitmex.connections).toBeGreaterThan(connections), soon);
    await follower.untilStatus("up");
    const quiet = follower.frames.length;
    market.run();
    await follower.more(5);
    // A machine that is held up for a second hears of silence again, while the market moves.
    expect(gapsIn(follower.frames.slice(0, quiet + 1))).toHaveLength(1);
  });

  test("[FD5] an unreadable message costs at most a marked gap, and disturbs no other feed", async () => {
    bitmex.market("XBTUSD").run();
    bitmex.market("ETHUSD").run();
    await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(5);
    for (const text of ["<html>", "{}", "[[[", '{"table":"orderBookL2","action":"update","data":[{}]}']) {
      bitmex.sendUnreadable(text);
      await follower.more(5);
    }
    const other = await rig.follow("BITMEX", "ETHUSD");
    await other.more(5);
    expect(flaws(follower.frames)).toEqual([]);
    expect(gapsIn(follower.frames).length).toBeGreaterThan(0);
  });
});

describe("feed workers that come and go", () => {
  test("[FD18] a stopping worker hands over: the tape continues after a gap of a few frames", async () => {
    bitmex.market("XBTUSD").run();
    const first = await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(10);
    const second = await rig.feed();
    await first.close();
    await follower.more(10);
    expect(second.feed.leases).toBe(1);
    expect(new Set(follower.frames.map(({ tape }) => tape)).size).toBe(1);
    const gaps = gapsIn(follower.frames);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toBeLessThan(500);
    expect(flaws(follower.frames)).toEqual([]);
    expect(bitmex.clients.size).toBe(1);
  });

  test("[FD18] the only worker releases its tape at once, and the next one continues it", async () => {
    bitmex.market("XBTUSD").run();
    const first = await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(10);
    const from = performance.now();
    await first.close();
    expect(performance.now() - from).toBeLessThan(2500);
    await rig.feed();
    await follower.more(10);
    expect(new Set(follower.frames.map(({ tape }) => tape)).size).toBe(1);
    expect(gapsIn(follower.frames)).toHaveLength(1);
    expect(flaws(follower.frames)).toEqual([]);
  });

  test("[FD25] [FD31] a new worker gets its share, and tapes of simulated markets have no gap", async () => {
    const symbols = Array.from({ length: 10 }, (_, n) => `S${n}`);
    const first = await rig.feed({ balanceEveryMs: 200 });
    const followers = await Promise.all(symbols.map((symbol) => rig.follow("SIM", symbol)));
    await Promise.all(followers.map((follower) => follower.more(5)));
    expect(first.feed.leases).toBe(10);
    const second = await rig.feed({ balanceEveryMs: 200 });
    await vi.waitFor(() => expect([first.feed.leases, second.feed.leases]).toEqual([5, 5]), soon);
    await Promise.all(followers.map((follower) => follower.more(10)));
    for (const { frames } of followers) {
      expect(gapsIn(frames)).toEqual([]); // simulated: the next feed knows what the last one has recorded
      expect(flaws(frames)).toEqual([]);
      expect(new Set(frames.map(({ tape }) => tape)).size).toBe(1);
    }
  });

  test("[FD20] a lost lock costs no frame if the job comes back to the same worker", async () => {
    bitmex.market("XBTUSD").run();
    await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(10);
    const [workers, locks] = await Promise.all([
      rig.redis.keys(`${rig.keys.bullPrefix}:{feed}:worker:*`),
      rig.redis.keys(`${rig.keys.bullPrefix}:{feed}:*:lock`),
    ]);
    expect([workers.length, locks.length]).toEqual([1, 1]);
    await rig.redis.del(...workers, ...locks);
    await follower.more(50);
    expect([gapsIn(follower.frames), bitmex.connections]).toEqual([[], 1]);
    expect(await rig.redis.keys(`${rig.keys.bullPrefix}:{feed}:*:lock`)).toHaveLength(1);
  });

  test("[FD20] a worker whose connection to Redis breaks sends its frames later, and none is missing", async () => {
    bitmex.market("XBTUSD").run();
    const { connections } = await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(10);
    for (let cut = 0; cut < 5; cut++) {
      connections.publisher.disconnect(true);
      await follower.more(8);
    }
    expect(gapsIn(follower.frames)).toEqual([]);
    expect(flaws(follower.frames)).toEqual([]);
  });

  test("[FD12] a new tape begins when Redis has lost the old one, on the same connection", async () => {
    bitmex.market("XBTUSD").run();
    await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(10);
    await rig.redis.del(rig.keys.live("BITMEX", "XBTUSD"), rig.keys.liveTape("BITMEX", "XBTUSD"));
    await vi.waitFor(() => expect(new Set(follower.frames.map(({ tape }) => tape)).size).toBe(2), soon);
    await follower.more(10);
    expect(bitmex.connections).toBe(1);
    expect(flaws(follower.frames)).toEqual([]);
  });
});

describe("maintenance", () => {
  test("[FD21] requests a worker for a feed in demand without one", async () => {
    bitmex.market("XBTUSD").run();
    await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD", { request: false });
    await rig.redis.zadd(rig.keys.liveWanted, Date.now() + 20_000, "BITMEX:XBTUSD");
    await rig.maintenance.requestWorkers(rig.queue);
    await rig.maintenance.requestWorkers(rig.queue);
    await follower.more(5);
    expect(bitmex.connections).toBe(1);
  });

  test("[FD21] requests a worker that finishes an abandoned tape", async () => {
    bitmex.market("XBTUSD").run();
    const first = await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(15);
    await first.close();
    follower.stop();
    await rig.redis.del(rig.keys.liveWanted);
    await rig.feed();
    await rig.maintenance.requestWorkers(rig.queue);
    const name = follower.frames[0]?.tape ?? "";
    await vi.waitFor(async () => expect((await rig.maintenance.inspectAll()).length).toBe(0), soon);
    const tape = await rig.open(name);
    expect([tape.span.growing, tape.span.lastSeq >= 14]).toEqual([false, true]);
    expect(bitmex.connections).toBe(1);
  });

  test("[FD22] an instrument in a crash loop is left alone, and followers learn why", async () => {
    const connection = rig.connect("bullmq", "crashing");
    const prefix = rig.keys.bullPrefix;
    const queue = new Queue("{feed}", { connection, prefix });
    const crashes = { count: 4, at: Date.now() };
    await queue.add("feed", { source: "BITMEX", symbol: "XBTUSD", crashes }, { jobId: "crashing" });
    // A worker that takes the job and crashes: its lock expires.
    const dying = new Worker("{feed}", () => new Promise(() => {}), {
      connection,
      prefix,
      lockDuration: 300,
      skipLockRenewal: true,
      skipStalledCheck: true,
    });
    await vi.waitFor(async () => expect(await queue.getActiveCount()).toBe(1), soon);
    await dying.disconnect();
    await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD", { request: false });
    await follower.untilStatus("down", /Recording this instrument crashes its worker/);
    expect(bitmex.connections).toBe(0);
    await queue.close();
    connection.disconnect();
  });
});

describe("an instrument that all sessions have left", () => {
  const keepSeconds = 6;
  const maintenance = () =>
    new LiveMaintenance({ ...rig, log: createLogger({ service: "feed", node: "t", level: "silent" }), keepSeconds });

  test("[FD27] makes room for one in demand, while watched ones continue", async () => {
    for (const symbol of ["A", "B", "C"]) bitmex.market(symbol).run();
    await rig.close();
    rig = new Rig(inject("redisUrl"), venuesAt({ bitmex, binance }), { lingerMs: 60_000 });
    const { statuses } = await rig.feed({ capacity: 2 });
    const watched = await rig.follow("BITMEX", "A");
    const lingering = await rig.follow("BITMEX", "B");
    await Promise.all([watched.more(5), lingering.more(5)]);
    const waiting = await rig.follow("BITMEX", "C");
    await vi.waitFor(async () => expect(await rig.queue.waiting()).toBe(1), soon);
    const asked = performance.now();
    await lingering.leave();
    await waiting.more(5);
    expect(performance.now() - asked).toBeLessThan(soon.timeout);
    expect([...statuses.keys()].sort()).toEqual(["BITMEX:A", "BITMEX:C"]);
    await watched.more(5);
    expect(gapsIn(watched.frames)).toEqual([]);
  });

  test("[FD28] opens no connection if they left before a worker took it", async () => {
    bitmex.market("XBTUSD").run();
    const gone = await rig.follow("BITMEX", "NEVER");
    await gone.leave();
    const { statuses } = await rig.feed();
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(3);
    await vi.waitFor(() => expect([...statuses.keys()]).toEqual(["BITMEX:XBTUSD"]), soon);
    await vi.waitFor(async () => expect(await rig.queue.waiting()).toBe(0), soon);
    expect(bitmex.received.filter((message) => message.includes("NEVER"))).toEqual([]);
    expect((await rig.maintenance.inspect("BITMEX", "NEVER")).demanded).toBe(false);
  });

  test("[FD29] ends within seconds while its tape is short, and the tape is removed", async () => {
    bitmex.market("XBTUSD").run();
    await rig.close();
    rig = new Rig(inject("redisUrl"), venuesAt({ bitmex, binance }), { lingerMs: 60_000 });
    const { statuses } = await rig.feed({ keepSeconds });
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(5);
    await follower.leave();
    await vi.waitFor(() => expect(statuses.size).toBe(0), soon);
    expect(await rig.live.list()).toEqual([]);
    await maintenance().requestWorkers(rig.queue);
    expect((await rig.maintenance.inspect("BITMEX", "XBTUSD")).state).toMatchObject({ tape: "" });
    await vi.waitFor(() => expect(bitmex.clients.size).toBe(0), soon);
    const again = await rig.follow("BITMEX", "XBTUSD");
    await again.more(3);
  });

  test("[FD29] ends within seconds if its venue refuses it", async () => {
    await rig.close();
    rig = new Rig(inject("redisUrl"), venuesAt({ bitmex, binance }), { lingerMs: 60_000 });
    const { statuses } = await rig.feed();
    const follower = await rig.follow("BITMEX", "NOSUCH");
    await follower.untilStatus("down");
    await follower.leave();
    await vi.waitFor(() => expect(statuses.size).toBe(0), soon);
  });

  test("[FD29] keeps a short tape that a session stands on: it is finished", async () => {
    bitmex.market("XBTUSD").run();
    const { statuses } = await rig.feed({ keepSeconds });
    const follower = await rig.follow("BITMEX", "XBTUSD");
    await follower.more(5);
    const name = follower.tape()?.id ?? expect.fail();
    await rig.redis.zadd(rig.keys.created, 1, "s");
    await rig.redis.hset(rig.keys.session("s"), { tape: name, edge: "0" });
    await follower.leave();
    await vi.waitFor(() => expect(statuses.size).toBe(0), soon);
    const { id } = parseTapeName(name);
    const same = maintenance();
    const finished = async () => {
      await same.requestWorkers(rig.queue);
      expect(await rig.store.versions(id)).toEqual([1]);
    };
    await vi.waitFor(finished, { timeout: keepSeconds * 1000 + soon.timeout, interval: 500 });
  });
});

test("[FD24] metrics count events, frames and appends, and measure how long each took", async () => {
  bitmex.market("XBTUSD").run();
  const { metrics } = await rig.feed();
  const follower = await rig.follow("BITMEX", "XBTUSD");
  await follower.more(10);
  bitmex.sendUnreadable("<html>");
  await follower.more(10);
  const text = await metrics();
  const value = (name: string) => Number(new RegExp(`^${name}{[^}]*} ([0-9.]+)$`, "m").exec(text)?.[1]);
  expect(value("tapedeck_feed_events_total")).toBeGreaterThan(20);
  expect(value("tapedeck_feed_frames_total")).toBeGreaterThanOrEqual(20);
  expect(value("tapedeck_feed_exchange_to_ingest_seconds_count")).toBeGreaterThan(20);
  expect(value("tapedeck_feed_ingest_to_append_seconds_count")).toBeGreaterThanOrEqual(20);
  expect(value("tapedeck_feed_append_seconds_count")).toBeGreaterThanOrEqual(20);
  expect(value("tapedeck_feed_unreadable_messages_total")).toBe(1);
  expect(value("tapedeck_feed_gaps_total")).toBe(1);
  expect(text).toMatch(/tapedeck_feed_reconnects_total{[^}]*why="out of step"[^}]*} 1/);
  expect(text).toMatch(/tapedeck_feed_instruments{status="up"[^}]*} 1/);
});
