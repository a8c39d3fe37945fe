import type { BookLevel, FrameParts } from "@tapedeck/market";
import { DamagedTape, parseTapeName, readManifest, TrackNotFound, tapeName, trackOf } from "@tapedeck/tape";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { LiveMaintenance } from "../maintenance/live-maintenance.js";
import { finishTape } from "../segments/finish-tape.js";
import { readLiveEvents } from "../testing/live-events.js";
import { Rig, recorded, someFrames, source, startNs, storeWith, symbol, textsOf } from "../testing/rig.js";
import { readTrack } from "../testing/track.js";
import type { LiveTapeWriter } from "../writer/live-tape-writer.js";
import { liveTapeDefaults } from "../writer/settings.js";
import { liveTrackDefaults } from "./live-track.js";
import type { TrackEntry } from "./track-entry.js";
import { TrackParts, trackStoreId } from "./track-parts.js";

let rig: Rig;
beforeEach(() => {
  rig = new Rig(inject("redisUrl"));
});
afterEach(() => rig.close());

const settings = { ...liveTapeDefaults, segmentSeconds: 6, track: { ...liveTrackDefaults, batchMs: 20 } };

const times = (at: number) => ({
  timestampNs: startNs + BigInt(at) * 1_000_000n,
  receivedNs: startNs + BigInt(at) * 1_000_000n + 500n,
  heard: at,
});

function wholeBook(at: number, size: number): TrackEntry {
  const levels = (from: number): BookLevel[] => Array.from({ length: 30 }, (_, nth) => [from + nth, size]);
  return { kind: "book", ...times(at), state: "applied", snapshot: true, bids: levels(10), asks: levels(100) };
}

function change(at: number, price: number, size: number): TrackEntry {
  const ids = { first: at, last: at + 1, previous: at - 1 };
  return { kind: "book", ...times(at), state: "applied", snapshot: false, ids, bids: [[price, size]], asks: [] };
}

function trade(at: number): TrackEntry {
  return { kind: "trade", ...times(at), state: "applied", id: at, side: "buy", price: 100, size: 0.5 };
}

/** What a feed adds with a frame: a change and a trade, and before its first one the whole book. */
function entriesOf(seq: number, first: number): TrackEntry[] {
  const at = 2 * (seq - first) + 1;
  const gap: TrackEntry[] = first === 0 ? [] : [{ kind: "gap", reason: "the feed was away" }];
  const begin = seq === first ? [...gap, wholeBook(0, first + 1)] : [];
  return [...begin, change(at, 20 + (seq % 5), seq + 1), trade(at + 1)];
}

async function append(
  writer: LiveTapeWriter,
  frames: readonly FrameParts[],
  from: number,
  first = from,
): Promise<void> {
  for (const [at, frame] of frames.entries()) {
    expect(await writer.append(frame, startNs, entriesOf(from + at, first))).toBe("appended");
  }
}

const oneFrame = (seq: number): FrameParts => someFrames(seq, seq + 1)[0] ?? expect.fail();
const eventsKey = () => rig.keys.liveEvents(source, symbol);
const partsOf = (tape: string) => new TrackParts(rig.store, tape).list();
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

async function eventsOf(tape: string, from = 0): Promise<number[]> {
  const found: number[] = [];
  for await (const { n, kind } of readLiveEvents(rig.redis, rig.keys, rig.store, tape, from)) {
    if (kind !== "gap" && kind !== "full") found.push(n);
  }
  return found;
}

/** What a release does that knows no event track: it makes a tape of the frames, and erases their segments. */
async function finishAsBefore(writer: LiveTapeWriter): Promise<void> {
  const { tape } = writer;
  const { id } = parseTapeName(tape);
  const none = storeWith(rig.store.segments(trackStoreId(id)), { ids: async () => [] });
  const store = storeWith(rig.store, {
    segments: (of) => (of === id ? rig.store.segments(of) : none),
    eraseSegments: async (of) => (of === id ? rig.store.eraseSegments(of) : undefined),
  });
  await rig.redis.del(rig.keys.live(source, symbol), rig.keys.liveTape(source, symbol));
  expect(await writer.renew()).toBe("lost");
  expect(await writer.append(oneFrame(0), startNs)).toBe("lost"); // its remaining frames are stored
  expect(await finishTape(store, tape)).toBe(true);
}

describe("the track of a growing tape", () => {
  test("[LT80] has each event once, in order, within the time of a batch, and never on the frames' channel", async () => {
    const writer = await rig.claim({ settings });
    const published: string[] = [];
    const listener = rig.connect();
    await listener.subscribe(rig.keys.live(source, symbol));
    listener.on("message", (_, message) => published.push(message));
    await append(writer, someFrames(0, 10), 0);
    await expect.poll(() => eventsOf(writer.tape)).toEqual(upTo(21));
    writer.addEvents([change(100, 25, 3)]);
    await expect.poll(() => eventsOf(writer.tape)).toEqual(upTo(22));
    expect(await eventsOf(writer.tape, 20)).toEqual([20, 21]);
    expect(published.filter((message) => message.includes('"w":1') || message.includes('"h":'))).toEqual([]);
  });

  test("[LT80] is read across its parts and what Redis has, each event once", async () => {
    const writer = await rig.claim({ settings });
    await append(writer, someFrames(0, 200), 0);
    await writer.settled();
    expect((await partsOf(writer.tape)).length).toBeGreaterThan(0);
    await expect.poll(() => eventsOf(writer.tape)).toEqual(upTo(401));
  });

  test("[LT81] gets no event of a writer that was fenced", async () => {
    const first = await rig.claim({ settings });
    await append(first, someFrames(0, 5), 0);
    await expect.poll(() => eventsOf(first.tape)).toEqual(upTo(11));
    const second = await rig.claim({ settings });
    first.addEvents([change(200, 25, 777)]);
    expect(await first.append(oneFrame(5), startNs, [change(201, 25, 777)])).toBe("fenced");
    await append(second, someFrames(5, 7), 5);
    await expect.poll(() => eventsOf(first.tape)).toEqual(upTo(11 + 5));
    await second.finish();
    const { updates } = await readTrack(rig.store, second.tape);
    expect(updates).toHaveLength(1 + 5 + 1 + 2);
    expect(updates.some(({ levels }) => levels.some(({ amount }) => Number(amount) === 777))).toBe(false);
  });

  test("[LT82] an outage of Redis costs no event, and repeats none", async () => {
    const writer = await rig.claim({ settings });
    await append(writer, someFrames(0, 5), 0);
    rig.redis.disconnect();
    writer.addEvents([change(100, 25, 3), change(101, 25, 4)]);
    await new Promise((resolve) => setTimeout(resolve, 60)); // the outage lasts for some batches
    await rig.redis.connect();
    await append(writer, someFrames(5, 7), 5, 0);
    await expect.poll(() => eventsOf(writer.tape)).toEqual(upTo(11 + 2 + 4));
  });

  test("[LT83] Redis keeps a bounded number of bytes of it, and the parts have the rest", async () => {
    const track = { ...settings.track, recentBytes: 8_000, batchMs: 1 };
    const writer = await rig.claim({ settings: { ...settings, track } });
    for (let from = 0; from < 200; from += 10) {
      await append(writer, someFrames(from, from + 10), from, 0);
      await new Promise((resolve) => setTimeout(resolve, 2)); // a batch
    }
    await writer.settled();
    const batches = await rig.redis.xrange(eventsKey(), "-", "+");
    expect(batches.length).toBeGreaterThan(1);
    const texts = batches.map(([, [, , , text = ""]]) => text.length);
    expect(texts.reduce((sum, length) => sum + length, 0)).toBeLessThan(8_000 + Math.max(...texts));
    expect((await partsOf(writer.tape)).at(-1)?.nextN).toBeGreaterThan(200);
  });
});

describe("the track of a finished tape", () => {
  test("[LT84] has the events of all its segments, with their numbers, times, ids and frames, and the book at each frame", async () => {
    const writer = await rig.claim({ settings });
    for (const from of [0, 150]) {
      await append(writer, someFrames(from, from + 150), from, 0);
      await writer.settled();
    }
    expect((await partsOf(writer.tape)).length).toBeGreaterThan(1);
    await writer.finish();
    const { tape, track, updates, trades } = await readTrack(rig.store, writer.tape);
    const { manifest } = tape;
    expect(manifest.track).toMatchObject({ events: 601, level_changes: 60 + 300, trades: 300, exact: true });
    expect(manifest.track?.gaps).toBeUndefined();
    expect(trades.map(({ n, seq, heard }) => [n, seq, heard])).toEqual(
      upTo(300).map((seq) => [2 * seq + 2, seq, 2 * seq + 2]),
    );
    expect(updates.slice(1).map(({ n, seq, ids }) => [n, seq, ids?.last])).toEqual(
      upTo(300).map((seq) => [2 * seq + 1, seq, 2 * seq + 2]),
    );
    const changed = (await track.bookAt({ seq: 7 })).bids.filter(([price]) => price >= 20 && price < 25);
    expect(changed.map(([, size]) => size)).toEqual([5, 4, 8, 7, 6]);
    expect(await rig.redis.exists(eventsKey())).toBe(0);
    expect(await rig.store.tapesWithSegments()).toEqual([]);
  });

  test("[LT41] [LT84] is read by a process that has followed the tape while it grew", async () => {
    const writer = await rig.claim({ settings });
    const reader = rig.process();
    await append(writer, someFrames(0, 150), 0);
    const growing = await reader.tapes.open(writer.tape);
    await expect(reader.tapes.trackFile(writer.tape, "book")).rejects.toThrow(TrackNotFound);
    await writer.finish();
    await expect.poll(async () => (await reader.tapes.open(writer.tape)).track).toBeDefined();
    expect(await reader.tapes.open(writer.tape)).toBe(growing);
    const seqs: number[] = [];
    for await (const { seq } of trackOf(growing).events({ from: { seq: 148 } })) seqs.push(seq);
    expect(seqs).toEqual([148, 148, 149, 149]);
    await reader.tapes.trackFile(writer.tape, "book");
  });

  test("[LT84] short parts are joined, and nothing of it is lost", async () => {
    const writer = await rig.claim({ settings: { ...settings, segmentSeconds: 1 } });
    for (let from = 0; from < 1_400; from += 70) {
      await append(writer, someFrames(from, from + 70), from, 0);
      await writer.settled();
    }
    expect((await partsOf(writer.tape)).some(({ joined }) => joined)).toBe(true);
    expect((await rig.store.segments(trackStoreId(parseTapeName(writer.tape).id)).ids()).length).toBeLessThan(10);
    await writer.finish();
    const { events, trades } = await readTrack(rig.store, writer.tape);
    expect([events.length, trades.length]).toEqual([2_801, 1_400]);
  });

  test("[LT84] more decimals late in the recording: no number is rounded", async () => {
    const writer = await rig.claim({ settings });
    await append(writer, someFrames(0, 100), 0);
    const many = Array.from({ length: 100_000 }, (_, nth): BookLevel => [10 + (nth % 20), 1 + nth]);
    const bulk = { ...times(300), kind: "book", state: "applied", snapshot: false, bids: many, asks: [] } as const;
    await writer.append(oneFrame(100), startNs, [bulk]);
    await append(writer, someFrames(101, 103), 101, 0);
    writer.addEvents([change(999, 25, 0.000625)]);
    await writer.finish();
    const { tape, updates } = await readTrack(rig.store, writer.tape);
    expect(tape.manifest.track).toMatchObject({ size_decimals: 6, exact: true });
    expect(updates.at(-1)).toMatchObject({ seq: 103, levels: [expect.objectContaining({ amountUnits: 625 })] });
  });

  test("[LT85] after a takeover has a marked gap and the whole book, and what Redis had of the former writer", async () => {
    const first = await rig.claim({ settings });
    await append(first, someFrames(0, 150), 0);
    await first.settled();
    await expect.poll(async () => (await eventsOf(first.tape)).length).toBe(301);
    const second = await rig.claim({ settings });
    await append(second, someFrames(150, 300), 150);
    await second.finish();
    const { tape, track, updates, events } = await readTrack(rig.store, second.tape);
    expect(tape.manifest.track).toMatchObject({
      events: 602,
      gaps: [{ after_n: 300, reason: "the feed was away" }],
    });
    expect([updates.length, events.length]).toEqual([302, 602]);
    expect((await track.bookAt({ seq: 149 })).bids).toContainEqual([24, 150]);
    expect((await track.bookAt({ seq: 150 })).bids).toContainEqual([20, 151]);
    expect((await track.bookAt({ seq: 150 })).bids).toContainEqual([24, 151]);
    expect(new Set(events.map(({ heard }) => heard)).size).toBe(602);
  });

  test("[LT85] if Redis lost its newest events, the gap says so, and no event is there twice", async () => {
    const first = await rig.claim({ settings });
    await append(first, someFrames(0, 150), 0);
    await first.settled();
    const stored = (await partsOf(first.tape)).at(-1)?.nextN ?? 0;
    expect(stored).toBeGreaterThan(100);
    await rig.redis.del(eventsKey());
    const second = await rig.claim({ settings });
    await append(second, someFrames(150, 160), 150);
    await second.finish();
    const { tape, events } = await readTrack(rig.store, second.tape);
    expect(tape.manifest.track?.gaps).toEqual([{ after_n: stored - 1, reason: "the feed was away" }]);
    expect(events.map(({ n }) => n)).toEqual(upTo(stored + 21));
  });

  test("[LT85] events that Redis has after a hole are used from the next whole book on", async () => {
    const first = await rig.claim({ settings });
    await append(first, someFrames(0, 3), 0);
    await expect.poll(() => eventsOf(first.tape)).toEqual(upTo(7));
    await append(first, someFrames(3, 5), 3, 0);
    await expect.poll(() => eventsOf(first.tape)).toEqual(upTo(11));
    await first.append(oneFrame(5), startNs, [wholeBook(90, 9), change(91, 21, 8)]);
    await expect.poll(() => eventsOf(first.tape)).toEqual(upTo(13));
    await rig.redis.xtrim(eventsKey(), "MINID", "12");
    const second = await rig.claim({ settings });
    await append(second, someFrames(6, 8), 6);
    await second.finish();
    const { tape, updates } = await readTrack(rig.store, second.tape);
    expect(tape.manifest.track?.gaps).toEqual([
      { after_n: -1, reason: "Redis has lost events" },
      { after_n: 12, reason: "the feed was away" },
    ]);
    expect(updates[0]?.n).toBe(11);
  });

  test("[LT86] has what one release recorded if another one, which knows no track, finishes the tape: as another version", async () => {
    const writer = await rig.claim({ settings });
    await append(writer, someFrames(0, 150), 0);
    const { tape } = writer;
    const { id } = parseTapeName(tape);
    await finishAsBefore(writer);
    expect((await readManifest(rig.store, id, 1)).track).toBeUndefined();
    const maintenance = new LiveMaintenance({ ...rig, orphanAfterMs: 0 });
    expect(await maintenance.finishOrphans()).toEqual([tape]);
    const { events, trades } = await readTrack(rig.store, tapeName(id, 2));
    expect([events.length, trades.length]).toEqual([301, 150]);
    const [before, after] = [await recorded(rig.store, id), await rig.process().tapes.open(tapeName(id, 2))];
    expect(await textsOf(after)).toEqual(await textsOf(before));
    expect(await rig.store.tapesWithSegments()).toEqual([]);
    expect(await maintenance.finishOrphans()).toEqual([]);
  });

  test("[LT86] ends with a marked gap if a release that knows no track recorded the end of the tape", async () => {
    const first = await rig.claim({ settings });
    await append(first, someFrames(0, 20), 0);
    await expect.poll(async () => (await eventsOf(first.tape)).length).toBe(41);
    const second = await rig.claim({ settings });
    for (const frame of someFrames(20, 30)) expect(await second.append(frame, startNs)).toBe("appended");
    await second.finish();
    const { tape } = await readTrack(rig.store, second.tape);
    expect(tape.manifest.track?.gaps).toEqual([{ after_n: 40, reason: "the feed did not record events from here on" }]);
  });

  test("[LT87] begins where the tape does: what is before the last whole book that it needs is erased with the frames", async () => {
    const writer = await rig.claim({ settings: { ...settings, segmentSeconds: 1, retentionHours: 20 / 3_600 } });
    const whole = (seq: number): TrackEntry => {
      const known = { low: 1, high: 200 };
      return { kind: "full", ...times(2 * seq), known, bids: [[24, seq]], asks: [[100, seq]] };
    };
    for (let seq = 0; seq < 600; seq++) {
      const full = seq % 100 === 99 ? [whole(seq)] : [];
      expect(await writer.append(oneFrame(seq), startNs, [...entriesOf(seq, 0), ...full])).toBe("appended");
      if (seq % 20 === 0) await writer.settled();
    }
    await writer.settled();
    const firstSeq = Number(await rig.redis.hget(rig.keys.liveTape(source, symbol), "first_seq"));
    expect(firstSeq).toBeGreaterThan(100);
    const [part] = await partsOf(writer.tape);
    expect(part?.wholeSeq).toBeLessThanOrEqual(firstSeq);
    expect(part?.firstN).toBeGreaterThan(0);
    await writer.finish();
    const { tape, track, events } = await readTrack(rig.store, writer.tape);
    expect(tape.span.firstSeq).toBe(firstSeq);
    expect(events[0]?.seq).toBe(firstSeq);
    const before = [...upTo(100).map((_, at) => firstSeq - at)].find((seq) => seq % 100 === 99) ?? -1;
    expect(events[0]).toMatchObject({ n: 2 * before + 2, state: "derived", isSnapshot: true });
    expect((await track.bookAt({ seq: firstSeq })).bids.find(([price]) => price === 20 + (firstSeq % 5))?.[1]).toBe(
      firstSeq + 1,
    );
  });
});

describe("faults of the tape store", () => {
  test("[LT88] while it fails, events wait, and are stored afterwards; beyond a number of bytes the track ends with a marked gap", async () => {
    let away = true;
    const store = storeWith(rig.store, {
      segments: (of) => {
        const inner = rig.store.segments(of);
        const begin = (id: string) => (away ? Promise.reject(new Error("the bucket is gone")) : inner.begin(id));
        return storeWith(inner, { begin });
      },
    });
    const track = { ...settings.track, maxUnstoredBytes: 60_000 };
    const writer = await rig.claim({ store, settings: { ...settings, track } });
    await append(writer, someFrames(0, 150), 0);
    await writer.settled();
    expect(await partsOf(writer.tape)).toEqual([]);
    const noise = (seq: number) =>
      upTo(20_000).map((nth): BookLevel => [10 + (nth % 20), ((nth * 7919 + seq) % 99_991) / 8]);
    const newest = async () => (await rig.redis.xrevrange(eventsKey(), "+", "-", "COUNT", 1))[0]?.[0];
    let seq = 150;
    for (let grows = true; grows && seq < 400; seq++) {
      const before = await newest();
      const bids = noise(seq);
      const bulk = { ...times(seq), kind: "book", state: "applied", snapshot: false, bids, asks: [] } as const;
      expect(await writer.append(oneFrame(seq), startNs, [bulk])).toBe("appended");
      const more = vi.waitFor(async () => expect(await newest()).not.toBe(before), { timeout: 1_500, interval: 20 });
      grows = await more.then(
        () => true,
        () => false,
      );
    }
    away = false;
    await writer.finish();
    const { tape, trades } = await readTrack(rig.store, writer.tape);
    expect(trades).toHaveLength(150);
    expect(tape.span.lastSeq).toBe(seq - 1);
    expect(tape.manifest.track?.gaps).toEqual([
      { after_n: expect.any(Number), reason: "the feed did not record events from here on" },
    ]);
  });

  test("[LT88] a damaged part keeps the tape from being finished, and its frames are played", async () => {
    const writer = await rig.claim({ settings });
    await append(writer, someFrames(0, 150), 0);
    await writer.settled();
    const { tape } = writer;
    const { id } = parseTapeName(tape);
    const parts = rig.store.segments(trackStoreId(id));
    const damaged = storeWith(parts, { read: async () => Buffer.from("no gzip") });
    const store = storeWith(rig.store, {
      segments: (of) => (of === trackStoreId(id) ? damaged : rig.store.segments(of)),
    });
    await rig.redis.del(rig.keys.live(source, symbol), rig.keys.liveTape(source, symbol));
    expect(await writer.renew()).toBe("lost");
    expect(await writer.append(oneFrame(0), startNs)).toBe("lost");
    await expect(finishTape(store, tape)).rejects.toThrow(DamagedTape);
    expect(await textsOf(await rig.process().tapes.open(tape))).toHaveLength(150);
    expect(await finishTape(rig.store, tape)).toBe(true);
    expect((await readTrack(rig.store, tape)).trades).toHaveLength(150);
  });

  test("[LT88] parts that a crash left beside the one they were joined into, and those of a fenced writer, change nothing", async () => {
    const writer = await rig.claim({ settings });
    for (const from of [0, 150]) {
      await append(writer, someFrames(from, from + 150), from, 0);
      await writer.settled();
    }
    const parts = new TrackParts(rig.store, writer.tape);
    const before = await parts.list();
    expect(before.length).toBeGreaterThan(1);
    await parts.join(before);
    await parts.write({ ...(before[0] ?? expect.fail()), id: "1-0-7-0-3-0-part" }, [Buffer.from("of another claim")]);
    expect((await parts.list()).map(({ joined }) => joined)).toEqual([true]);
    await writer.finish();
    const { trades, events } = await readTrack(rig.store, writer.tape);
    expect([trades.length, events.length]).toEqual([300, 601]);
  });

  test("[LT61] finishing can be repeated after a crash between the tape and its parts", async () => {
    const writer = await rig.claim({ settings });
    await append(writer, someFrames(0, 150), 0);
    const { tape } = writer;
    await rig.redis.del(rig.keys.live(source, symbol), rig.keys.liveTape(source, symbol));
    expect(await writer.renew()).toBe("lost");
    expect(await writer.append(oneFrame(0), startNs)).toBe("lost");
    for (const crashAt of [parseTapeName(tape).id, trackStoreId(parseTapeName(tape).id)]) {
      const eraseSegments = async (of: string) => {
        if (of === crashAt) throw new Error("killed");
        await rig.store.eraseSegments(of);
      };
      await expect(finishTape(storeWith(rig.store, { eraseSegments }), tape)).rejects.toThrow("killed");
    }
    expect(await finishTape(rig.store, tape)).toBe(true);
    expect(await rig.store.versions(parseTapeName(tape).id)).toEqual([1]);
    expect((await readTrack(rig.store, tape)).trades).toHaveLength(150);
    expect(await rig.store.tapesWithSegments()).toEqual([]);
  });
});
