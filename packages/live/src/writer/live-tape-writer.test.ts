import type { FrameParts } from "@tapedeck/market";
import { MemoryTapeStore, parseTapeName } from "@tapedeck/tape";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { appendAll, Rig, someFrames, source, startNs, storeWith, symbol, textsOf } from "../testing/rig.js";
import type { LiveTapeWriter } from "./live-tape-writer.js";

let rig: Rig;
beforeEach(() => {
  rig = new Rig(inject("redisUrl"));
});
afterEach(() => rig.close());

const live = () => rig.keys.live(source, symbol);
const hash = () => rig.redis.hgetall(rig.keys.liveTape(source, symbol));
const one = (seq: number): FrameParts => someFrames(seq, seq + 1)[0] ?? expect.fail();
const segmentsOf = (tape: string) => rig.store.segments(parseTapeName(tape).id).ids();

/** All that Redis has of the feed, except the time of the last renewal. */
async function all(): Promise<unknown> {
  const { seen_ms: _, ...fields } = await hash();
  return [fields, await rig.redis.xrange(live(), "-", "+")];
}

async function texts(tape: string): Promise<string[]> {
  return textsOf(await rig.process().tapes.open(tape));
}

describe("the writer of a feed", () => {
  test("[LT1] is the last one that claimed it: appends, statuses and renewals of an earlier one change nothing", async () => {
    const earlier = await rig.claim({ node: "feed-1" });
    await appendAll(earlier, someFrames(0, 10));
    const later = await rig.claim({ node: "feed-2" });
    const before = await all();
    expect(await earlier.append(one(10), startNs)).toBe("fenced");
    expect(await earlier.publishStatus({ status: "up" })).toBe("fenced");
    expect(await earlier.renew()).toBe("fenced");
    await earlier.release();
    await earlier.finish();
    expect(await all()).toEqual(before);
    expect(await later.renew()).toBe("held");
    await appendAll(later, someFrames(10, 12));
    expect(await hash()).toMatchObject({ last_seq: "11", node: "feed-2" });
  });

  test("[LT1] is fenced at its next call, whichever that is", async () => {
    for (const call of [
      (writer: LiveTapeWriter) => writer.publishStatus({ status: "up" }),
      (writer: LiveTapeWriter) => writer.renew(),
      (writer: LiveTapeWriter) => writer.append(one(0), startNs),
    ]) {
      const earlier = await rig.claim();
      await rig.claim();
      expect(await call(earlier)).toBe("fenced");
      expect(await earlier.append(one(0), startNs)).toBe("fenced");
    }
    expect(await rig.redis.exists(live())).toBe(0);
  });

  test("[LT1] is only one when many claim at once", async () => {
    const writers = await Promise.all(Array.from({ length: 8 }, () => rig.claim()));
    const outcomes = await Promise.all(writers.map((writer) => writer.append(one(0), startNs)));
    expect(outcomes.sort()).toEqual(["appended", ...Array.from({ length: 7 }, () => "fenced")]);
    expect(await rig.redis.xlen(live())).toBe(1);
  });
});

describe("appending", () => {
  test("[LT2] adds a frame to the stream, the hash and the channel, in the order of the calls", async () => {
    const listener = rig.connect();
    const published: string[] = [];
    await listener.subscribe(live());
    listener.on("message", (_, message) => published.push(message));
    const writer = await rig.claim();
    const outcomes = await Promise.all(someFrames(0, 50).map((frame) => writer.append(frame, startNs)));
    expect(new Set(outcomes)).toEqual(new Set(["appended"]));
    const entries = await rig.redis.xrange(live(), "-", "+");
    expect(entries.map(([id]) => id)).toEqual(Array.from({ length: 50 }, (_, seq) => `${seq}-1`));
    expect(await hash()).toMatchObject({ last_seq: "49", tape: writer.tape });
    await expect
      .poll(() => published.filter((message) => message.startsWith("1 L ")))
      .toEqual(entries.map(([, [, m]]) => m));
  });

  test("[LT2] ends the tape if the previous frame is missing in Redis", async () => {
    for (const lose of [
      () => rig.redis.del(live()),
      () => rig.redis.hset(rig.keys.liveTape(source, symbol), "last_seq", 3),
      () => rig.redis.hset(rig.keys.liveTape(source, symbol), "tape", "another@1"),
    ]) {
      const writer = await rig.claim();
      await appendAll(writer, someFrames(0, 10));
      await lose();
      expect(await writer.append(one(10), startNs)).toBe("lost");
      expect(await writer.append(one(10), startNs)).toBe("lost");
      expect(await hash()).toMatchObject({ tape: "", last_seq: "-1" });
      expect(await rig.redis.exists(live())).toBe(0);
      await rig.redis.del(rig.keys.liveTape(source, symbol), live());
    }
  });

  test("[LT3] unacknowledged frames have to be appended again, in order, and are there once", async () => {
    const redis = rig.connect();
    const writer = await rig.claim({ redis });
    await appendAll(writer, someFrames(0, 5));
    const [five, six, seven] = someFrames(5, 8);
    if (five === undefined || six === undefined || seven === undefined) return expect.fail();
    // The connection breaks while the frames are in flight: the replies are lost, and the frames are not.
    const sent = [writer.append(five, startNs), writer.append(six, startNs)].map((append) =>
      append.catch(() => "rejected"),
    );
    redis.stream.destroy();
    expect(await Promise.all(sent)).toEqual(["rejected", "rejected"]);
    await expect.poll(() => redis.status).toBe("ready");
    await expect(writer.append(seven, startNs)).rejects.toThrow("Frame 5 is not the next one to be appended again.");
    expect(await Promise.all([five, six, seven].map((frame) => writer.append(frame, startNs)))).toEqual(
      Array.from({ length: 3 }, () => "appended"),
    );
    const entries = await rig.redis.xrange(live(), "-", "+");
    expect(entries.map(([id]) => id)).toEqual(Array.from({ length: 8 }, (_, seq) => `${seq}-1`));
    await writer.finish();
    expect((await texts(`${(await rig.store.ids())[0]}@1`)).map((text) => JSON.parse(text).seq)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7,
    ]);
  });

  test("[LT4] refuses a frame that is invalid or out of place, and continues without it", async () => {
    const writer = await rig.claim();
    await expect(writer.append(one(1), startNs)).rejects.toThrow(
      "Frame 0 is the first one, but at 100000000 ns instead of 0.",
    );
    await appendAll(writer, someFrames(0, 3));
    await expect(writer.append(one(1), startNs)).rejects.toThrow(
      "Frame 3 is 100000000 ns earlier than its predecessor.",
    );
    await expect(writer.append({ ...one(3), trades: "é" }, startNs)).rejects.toThrow("not ASCII");
    await expect(writer.append({ ...one(3), tradeCount: 1_001 }, startNs)).rejects.toThrow("has 1001 trades");
    await appendAll(writer, someFrames(3, 5));
    expect((await hash()).last_seq).toBe("4");
  });
});

describe("a claim", () => {
  test("[LT5] continues the tape, at the next seq and after a marked gap", async () => {
    const settings = { segmentSeconds: 6, recentSeconds: 5 };
    const first = await rig.claim({ settings });
    await appendAll(first, someFrames(0, 300));
    const next = await rig.claim({ settings });
    expect(next.tape).toBe(first.tape);
    expect(next.continues).toEqual({ startNs, lastNs: 29_900_000_000, lastSeq: 299 });
    const [after, ...rest] = someFrames(300, 400, { gapAfter: [{ seq: 299, ms: 7_000 }] });
    await appendAll(next, [after ?? expect.fail(), ...rest]);
    const tape = await rig.process().tapes.open(next.tape);
    expect(tape.gaps).toEqual([{ afterSeq: 299, fromNs: 29_900_000_000, toNs: 36_900_000_000, reason: "silence" }]);
    const frames = (await textsOf(tape)).map((text) => JSON.parse(text));
    expect(frames.map(({ seq }) => seq)).toEqual(Array.from({ length: 400 }, (_, seq) => seq));
    expect(frames[300]).toMatchObject({ gap_before_ms: 7_000 });
  });

  test("[LT5] continues the tape after its writer has released the feed", async () => {
    const first = await rig.claim();
    await appendAll(first, someFrames(0, 20));
    await first.release();
    expect(await hash()).toMatchObject({ owner: "", node: "", tape: first.tape });
    expect(await first.append(one(20), startNs)).toBe("fenced");
    const second = await rig.claim();
    expect(second.continues).toMatchObject({ lastSeq: 19 });
    await appendAll(second, someFrames(20, 30));
    expect((await texts(first.tape)).length).toBe(30);
  });

  test("[LT5] finds a segment that its writer did not publish any more", async () => {
    const settings = { segmentSeconds: 6 };
    const first = await rig.claim({ settings });
    await appendAll(first, someFrames(0, 300));
    await expect.poll(async () => (await hash()).stored_seq).not.toBe("-1");
    await first.release();
    await rig.redis.hset(rig.keys.liveTape(source, symbol), "stored_seq", -1, "parts", 0);
    const second = await rig.claim({ settings });
    await appendAll(second, someFrames(300, 301));
    await expect.poll(async () => (await hash()).stored_seq).not.toBe("-1");
    expect((await texts(first.tape)).length).toBe(301);
  });

  const losses: [what: string, lose: (tape: string) => Promise<unknown>][] = [
    ["Redis has lost everything", () => rig.redis.del(live(), rig.keys.liveTape(source, symbol))],
    ["Redis has lost the stream", () => rig.redis.del(live())],
    ["Redis has lost the hash", () => rig.redis.del(rig.keys.liveTape(source, symbol))],
    [
      "Redis has less than the store",
      () => rig.redis.hset(rig.keys.liveTape(source, symbol), "last_seq", 20, "stored_seq", 20),
    ],
    [
      "the store has lost segments whose frames have left Redis",
      async (tape) => {
        await rig.redis.xtrim(live(), "MINID", "250");
        await rig.store.eraseSegments(parseTapeName(tape).id);
      },
    ],
  ];
  test.each(losses)("[LT6] begins another tape if %s", async (_, lose) => {
    const first = await rig.claim({ settings: { segmentSeconds: 6 } });
    await appendAll(first, someFrames(0, 300));
    await first.release(); // stores nothing any more
    await lose(first.tape);
    const second = await rig.claim();
    expect(second.continues).toBeUndefined();
    expect(second.tape).toBe("");
    await appendAll(second, someFrames(0, 10));
    expect(second.tape).not.toBe(first.tape);
    expect((await texts(second.tape)).length).toBe(10);
  });

  test("[LT6] begins another tape for frames of another kind, and stores the remaining frames of the former tape", async () => {
    const first = await rig.claim();
    await appendAll(first, someFrames(0, 100));
    const expected = await texts(first.tape);
    const second = await rig.claim({ intervalMs: 250 });
    expect(second.continues).toBeUndefined();
    await appendAll(second, someFrames(0, 1));
    expect(await texts(first.tape)).toEqual(expected);
  });

  test("[LT10] a writer that gets `lost` has stored the frames that it had", async () => {
    const first = await rig.claim({ settings: { segmentSeconds: 6 } });
    await appendAll(first, someFrames(0, 333));
    const expected = await texts(first.tape);
    await rig.redis.del(live(), rig.keys.liveTape(source, symbol));
    expect(await first.append(one(333), startNs)).toBe("lost");
    expect(await texts(first.tape)).toEqual(expected);
  });

  test("[LT10] a quiet writer learns of a loss by its renewals and statuses", async () => {
    const first = await rig.claim();
    await appendAll(first, someFrames(0, 10));
    const expected = await texts(first.tape);
    await rig.redis.del(live(), rig.keys.liveTape(source, symbol));
    expect(await first.renew()).toBe("lost");
    expect(await first.append(one(10), startNs)).toBe("lost");
    expect(await texts(first.tape)).toEqual(expected);
    const second = await rig.claim();
    await rig.redis.del(rig.keys.liveTape(source, symbol));
    expect(await second.publishStatus({ status: "up" })).toBe("lost");
  });
});

describe("Redis", () => {
  test("[LT7] keeps the frames of the last seconds, and all unstored ones", async () => {
    const writer = await rig.claim({ settings: { segmentSeconds: 6, recentSeconds: 20 } });
    await appendAll(writer, someFrames(0, 600));
    await expect.poll(async () => Number((await hash()).stored_seq)).toBeGreaterThan(500);
    await appendAll(writer, someFrames(600, 601));
    const [oldest] = await rig.redis.xrange(live(), "-", "+", "COUNT", 1);
    expect(oldest?.[0]).toBe("399-1"); // as of the frame before the newest
  });

  test("[LT7] keeps no more bytes than the limit, except of unstored frames", async () => {
    const writer = await rig.claim({ settings: { segmentSeconds: 6, recentBytes: 50_000 } });
    await appendAll(writer, someFrames(0, 300));
    await expect.poll(async () => Number((await hash()).stored_seq)).toBeGreaterThan(200);
    const stored = Number((await hash()).stored_seq);
    await appendAll(writer, someFrames(300, 301));
    const entries = await rig.redis.xrange(live(), "-", "+");
    const bytes = entries.reduce((sum, [, [, message = ""]]) => sum + message.length, 0);
    const oldest = Number(entries[0]?.[0].split("-")[0]);
    expect(bytes - (entries.at(-1)?.[1][1]?.length ?? 0) <= 50_000 || oldest === stored + 1).toBe(true);
    expect(oldest).toBeGreaterThan(200);
  });

  test("[LT8] keeps frames while the store fails, and ends the tape when there are too many", async () => {
    const store = new MemoryTapeStore({ capacity: 1_000 });
    const writer = await rig.claim({
      store,
      settings: { segmentSeconds: 6, recentSeconds: 1, maxUnstoredBytes: 300_000 },
    });
    const frames = someFrames(0, 500);
    let appended = 0;
    for (const frame of frames) {
      if ((await writer.append(frame, startNs)) !== "appended") break;
      appended++;
    }
    expect(appended).toBeGreaterThan(150);
    expect(appended).toBeLessThan(450);
    expect(await writer.append(one(appended), startNs)).toBe("lost");
    const next = await rig.claim({ store, settings: { maxUnstoredBytes: 300_000 } });
    expect(next.continues).toBeUndefined();
    await appendAll(next, someFrames(0, 3));
    expect(next.tape).not.toBe(writer.tape);
  });

  test("[LT8] passes them to the store as soon as it works again", async () => {
    let full = true;
    const store = storeWith(rig.store, {
      segments: (tape) => {
        const segmentStore = rig.store.segments(tape);
        return storeWith(segmentStore, {
          begin: (id) => (full ? Promise.reject(new Error("the bucket is gone")) : segmentStore.begin(id)),
        });
      },
    });
    const writer = await rig.claim({ store, settings: { segmentSeconds: 6, recentSeconds: 1 } });
    await appendAll(writer, someFrames(0, 300));
    expect(await rig.redis.xlen(live())).toBe(300);
    full = false;
    const expected = await texts(writer.tape);
    await writer.finish();
    expect(await texts(`${(await rig.store.ids())[0]}@1`)).toEqual(expected);
  });
});

describe("the feed's hash", () => {
  test("[LT9] has a revision that grows with each change, also after its removal, and is published whole", async () => {
    const listener = rig.connect();
    const published: { rev: number; hash: Record<string, string> }[] = [];
    await listener.subscribe(live());
    listener.on("message", (_, message) => {
      const [, rev, json = ""] = /^1 U (\d+)\n(.*)$/.exec(message) ?? [];
      if (rev !== undefined) published.push({ rev: Number(rev), hash: JSON.parse(json) });
    });
    const first = await rig.claim();
    await first.publishStatus({ status: "up" });
    await first.publishStatus({ status: "down", reason: "Grund: ≠" });
    await appendAll(first, someFrames(0, 2));
    await first.finish();
    const second = await rig.claim();
    await second.publishStatus({ status: "up" });
    const now = await hash();
    await expect.poll(() => published.at(-1)?.hash).toEqual(now);
    expect(published.map(({ hash: { status, reason, tape } }) => [status, reason, tape !== ""])).toEqual([
      ["connecting", "", false],
      ["up", "", false],
      ["down", "Grund: ≠", false],
      ["down", "Grund: ≠", true],
      ["connecting", "", false],
      ["connecting", "", false],
      ["connecting", "", false],
      ["up", "", false],
    ]);
    for (const [at, { rev }] of published.entries())
      if (at > 0) expect(rev).toBeGreaterThan(published[at - 1]?.rev ?? 0);
  });

  test("[LT9] says since when it has its status", async () => {
    const writer = await rig.claim();
    await writer.publishStatus({ status: "up" });
    const { since } = await hash();
    await writer.publishStatus({ status: "up" });
    expect((await hash()).since).toBe(since);
    await writer.publishStatus({ status: "down", reason: "one" });
    const { since: later = "" } = await hash();
    expect(Number(later)).toBeGreaterThanOrEqual(Number(since));
    await writer.publishStatus({ status: "down", reason: "two" });
    expect(await hash()).toMatchObject({ since: later, reason: "two" });
  });

  test("[LT9] gets the instrument's decimals with the first frame that has them", async () => {
    const precision = { priceDecimals: 1, sizeDecimals: 2 };
    const writer = await rig.claim({ precision });
    await appendAll(writer, someFrames(0, 3));
    precision.sizeDecimals = 3;
    precision.priceDecimals = 0;
    await appendAll(writer, someFrames(3, 5));
    expect(await hash()).toMatchObject({ price_decimals: "1", size_decimals: "3" });
    const tape = await rig.process().tapes.open(writer.tape);
    expect(tape.precision).toMatchObject({ priceDecimals: 1, sizeDecimals: 3 });
  });
});

test("[LT43] a segment has whole blocks and at least the configured length, and its name says which frames it has", async () => {
  const writer = await rig.claim({ settings: { segmentSeconds: 10 } });
  await appendAll(writer, someFrames(0, 400));
  await expect.poll(async () => (await segmentsOf(writer.tape)).length).toBeGreaterThan(1);
  for (const id of await segmentsOf(writer.tape)) {
    const [first = 0, last = 0, ns = 0] = id.split("-").map(Number);
    expect(first % 64).toBe(0);
    expect((last + 1) % 64).toBe(0);
    expect(ns).toBe(first * 100e6);
    expect(last - first).toBeGreaterThanOrEqual(100);
  }
  expect(await rig.store.ids()).toEqual([]);
});
