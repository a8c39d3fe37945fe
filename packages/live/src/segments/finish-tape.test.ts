import { MemoryTapeStore, parseTapeName, TapeNotFound, TapeWriteError } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { FeedStore } from "../feed-store/feed-store.js";
import { isGrowingTape } from "../growing-tape/growing-tape.js";
import { LiveMaintenance } from "../maintenance/live-maintenance.js";
import { appendAll, Rig, recorded, someFrames, source, startNs, storeWith, symbol, textsOf } from "../testing/rig.js";
import { expectSame } from "../testing/same-tape.js";
import { finishAlone } from "./finish-alone.js";
import { finishTape } from "./finish-tape.js";

let rig: Rig;
beforeEach(() => {
  rig = new Rig(inject("redisUrl"));
});
afterEach(() => rig.close());

const settings = { segmentSeconds: 6 };
const gapAfter = [{ seq: 100, ms: 8_000 }];

/** A tape that has ended and is not finished: segments, and nothing in Redis. */
async function ended(frames = 300): Promise<string> {
  const writer = await rig.claim({ settings });
  await appendAll(writer, someFrames(0, frames, { gapAfter }));
  await rig.redis.del(rig.keys.live(source, symbol), rig.keys.liveTape(source, symbol));
  expect(await writer.renew()).toBe("lost");
  expect(await writer.append(someFrames(0, 1)[0] ?? expect.fail(), startNs)).toBe("lost"); // its remaining frames are stored
  return writer.tape;
}

async function whole(frames = 300) {
  const store = new MemoryTapeStore();
  await writeTestTape(store, { frames, gapAfter });
  return recorded(store, "test");
}

const segmentsOf = (tape: string) => rig.store.segments(parseTapeName(tape).id).ids();

describe("a tape that ends", () => {
  test("[LT60] becomes an ordinary one under the same name, with identical frames; segments, stream and hash are removed", async () => {
    const writer = await rig.claim({ settings, analyticsVersion: 3 });
    const reader = rig.process();
    await appendAll(writer, someFrames(0, 300, { gapAfter }));
    const { tape } = writer;
    await writer.finish();
    const { id } = parseTapeName(tape);
    const finished = await recorded(rig.store, id);
    expect(finished.id).toBe(tape);
    expect(finished.manifest).toMatchObject({
      format_version: 1,
      analytics_version: 3,
      interval_ms: 100,
      source,
      symbol,
    });
    await expectSame(finished, await whole());
    expect(await textsOf(await reader.tapes.open(tape))).toEqual(await textsOf(await whole()));
    expect((await reader.tapes.list()).map(({ id, growing }) => ({ id, growing }))).toEqual([{ id, growing: false }]);
    expect((await reader.tapes.choose({ symbol }))?.id).toBe(tape);
    expect(await rig.store.tapesWithSegments()).toEqual([]);
    await expect.poll(() => rig.redis.exists(rig.keys.live(source, symbol), rig.keys.liveTape(source, symbol))).toBe(0);
    expect(await rig.redis.exists(rig.keys.liveFeeds)).toBe(0);
    expect(await writer.append(someFrames(300, 301)[0] ?? expect.fail(), startNs)).toBe("fenced");
    await writer.finish();
  });

  test("[LT60] leaves nothing at all if it has no frame", async () => {
    const writer = await rig.claim();
    await writer.finish();
    expect(await rig.store.ids()).toEqual([]);
    await expect.poll(() => rig.redis.exists(rig.keys.liveTape(source, symbol))).toBe(0);
  });

  test("[LT60] may be followed by another tape while it is being finished", async () => {
    let begun = (): void => undefined;
    const beginning = new Promise<void>((resolve) => {
      begun = resolve;
    });
    let proceed = (): void => undefined;
    const waiting = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    const store = storeWith(rig.store, {
      begin: async (id) => {
        begun();
        await waiting;
        return rig.store.begin(id);
      },
    });
    const first = await rig.claim({ store });
    await appendAll(first, someFrames(0, 10));
    const { tape } = first;
    const finishing = first.finish();
    await beginning;
    const second = await rig.claim();
    expect(second.continues).toBeUndefined();
    await appendAll(second, someFrames(0, 5));
    proceed();
    await finishing;
    await appendAll(second, someFrames(5, 7));
    const reader = rig.process();
    expect(await textsOf(await reader.tapes.open(tape))).toHaveLength(10);
    expect(await textsOf(await reader.tapes.open(second.tape))).toHaveLength(7);
    expect(await rig.redis.zrange(rig.keys.liveFeeds, "0", "-1")).toEqual([`${source}:${symbol}`]);
  });

  test("[LT41] stays the same object while it is finished and afterwards", async () => {
    const writer = await rig.claim({ settings });
    await appendAll(writer, someFrames(0, 300, { gapAfter }));
    const reader = rig.process();
    const tape = await reader.tapes.open(writer.tape);
    if (!isGrowingTape(tape)) return expect.fail("the tape is not a growing one");
    const over = new Promise<void>((resolve) => tape.onGrown(() => !tape.span.growing && resolve()));
    await writer.finish();
    await over;
    await expectSame(tape, await whole());
    expect(await reader.tapes.open(writer.tape)).toBe(tape);
    expect(await tape.grownTo(300)).toBe(false);
    expect(tape.view()).toMatchObject({ frames: 300, trades: 100, growing: false, event_counts: { SPOOFING: 6 } });
    expect((await tape.overview()).length).toBe(300);
  });

  test("[LT61] is finished later if the store fails", async () => {
    let full = false;
    const store = storeWith(rig.store, {
      segments: (tape) => {
        const segmentStore = rig.store.segments(tape);
        return storeWith(segmentStore, {
          begin: (id) => (full ? Promise.reject(new Error("the bucket is gone")) : segmentStore.begin(id)),
        });
      },
    });
    const writer = await rig.claim({ store, settings });
    await appendAll(writer, someFrames(0, 300, { gapAfter }));
    await writer.settled();
    full = true;
    await expect(writer.finish()).rejects.toThrow(TapeWriteError);
    expect(await rig.redis.hget(rig.keys.liveTape(source, symbol), "tape")).toBe(writer.tape);
    full = false;
    await writer.finish();
    await expectSame(await recorded(rig.store, parseTapeName(writer.tape).id), await whole());
  });
});

describe("finishing", () => {
  test("[LT61] twice, or in several processes at once, makes one tape", async () => {
    const tape = await ended();
    const all = await Promise.allSettled([finishTape(rig.store, tape), finishTape(rig.store, tape)]);
    for (const one of all) if (one.status === "rejected") expect(one.reason).toBeInstanceOf(TapeWriteError);
    await finishTape(rig.store, tape);
    const { id } = parseTapeName(tape);
    expect(await rig.store.versions(id)).toEqual([1]);
    expect(await rig.store.tapesWithSegments()).toEqual([]);
    await expectSame(await recorded(rig.store, id), await whole());
    expect(await finishTape(rig.store, tape)).toBe(true);
    expect(await finishTape(rig.store, "live.SIM.ETHUSDT.1@1")).toBe(false);
  });

  test("[LT61] can be repeated after a crash at any moment", async () => {
    const tape = await ended();
    const { id } = parseTapeName(tape);
    const crash = () => Promise.reject(new Error("killed"));
    const moments: Parameters<typeof storeWith>[1][] = [
      { begin: crash },
      { begin: async (of) => ({ ...(await rig.store.begin(of)), append: crash }) },
      {
        begin: async (of) => {
          const draft = await rig.store.begin(of);
          let calls = 0;
          const append = (file: string, bytes: Uint8Array) => (++calls > 7 ? crash() : draft.append(file, bytes));
          return { version: draft.version, append, commit: () => draft.commit(), discard: () => draft.discard() };
        },
      },
      {
        begin: async (of) => {
          const draft = await rig.store.begin(of);
          const append = (file: string, bytes: Uint8Array) => draft.append(file, bytes);
          return { version: draft.version, append, commit: crash, discard: async () => undefined };
        },
      },
      { eraseSegments: crash },
    ];
    for (const moment of moments) {
      await expect(finishTape(storeWith(rig.store, moment), tape)).rejects.toThrow("killed");
      expect(await textsOf(await rig.process().tapes.open(tape))).toHaveLength(300);
    }
    expect(await rig.store.versions(id)).toEqual([1]);
    expect((await segmentsOf(tape)).length).toBeGreaterThan(0);
    expect(await finishTape(rig.store, tape)).toBe(true);
    expect(await segmentsOf(tape)).toEqual([]);
    await expectSame(await recorded(rig.store, id), await whole());
  });

  test("[LT64] is left to the process that is at it for the same feed, and done by another one if that has died", async () => {
    const tape = await ended();
    const feed = { source, symbol };
    const feeds = new FeedStore(rig.redis, rig.keys);
    expect(await feeds.beginFinishing(feed, "another process", 30_000)).toBe(true);
    const maintenance = new LiveMaintenance({ ...rig, orphanAfterMs: 0 });
    expect(await finishAlone(feeds, rig.store, tape)).toBeUndefined();
    expect(await maintenance.finishOrphans()).toEqual([]);
    await feeds.keepFinishing(feed, 50); // it has died, and renews no more
    await expect.poll(() => maintenance.finishOrphans()).toEqual([tape]);
    expect(await rig.redis.exists(rig.keys.liveFinishing(source, symbol))).toBe(0);
    await expectSame(await recorded(rig.store, parseTapeName(tape).id), await whole());
  });

  test("[LT61] does not restore a tape that was deleted since", async () => {
    const tape = await ended();
    const { id } = parseTapeName(tape);
    await finishTape(storeWith(rig.store, { eraseSegments: async () => undefined }), tape);
    await rig.store.delete(id, 1);
    expect(await finishTape(rig.store, tape)).toBe(false);
    expect(await rig.store.versions(id)).toEqual([]);
    expect(await rig.store.tapesWithSegments()).toEqual([]);
    await expect(rig.process().tapes.open(tape)).rejects.toThrow(TapeNotFound);
  });
});

test("[LT63] until it is finished, a tape that has ended is opened from its segments", async () => {
  const tape = await ended();
  const opened = await rig.process().tapes.open(tape);
  expect(opened.span).toMatchObject({ firstSeq: 0, lastSeq: 299, growing: false });
  await expectSame(opened, await whole());
  await finishTape(rig.store, tape);
  await expectSame(opened, await whole()); // its segments are erased while it is open
});
