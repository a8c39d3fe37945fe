import { gzipSync } from "node:zlib";
import {
  type FullBook,
  pinnedTrackOf,
  type Tape,
  type TrackedEvent,
  TrackNotFound,
  type TrackPlace,
  trackOf,
} from "@tapedeck/tape";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { appendWithEvents, change, entriesOf, fullBook, wholeBook } from "../testing/entries.js";
import {
  appendAll,
  evict,
  type Process,
  Rig,
  recorded,
  someFrames,
  source,
  startNs,
  storeWith,
  symbol,
} from "../testing/rig.js";
import { liveTrackDefaults } from "../track/live-track.js";
import { TrackParts, trackStoreId } from "../track/track-parts.js";
import type { LiveTapeWriter } from "../writer/live-tape-writer.js";
import { liveTapeDefaults } from "../writer/settings.js";
import { GrowingTrack } from "./growing-track.js";

let rig: Rig;
beforeEach(() => {
  rig = new Rig(inject("redisUrl"));
});
afterEach(() => rig.close());

const settings = { ...liveTapeDefaults, segmentSeconds: 6, track: { ...liveTrackDefaults, batchMs: 20 } };
const eventsKey = () => rig.keys.liveEvents(source, symbol);
const ms = (at: number) => startNs + BigInt(at) * 1_000_000n;

async function collect<T>(from: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of from) found.push(each);
  return found;
}

const plain = (events: readonly TrackedEvent[]) =>
  JSON.parse(JSON.stringify(events, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)));
/** Without the number of its last event, which depends on where whole books are. */
const levelsOf = ({ n: _, ...book }: FullBook) => book;

describe("[LT90] the event track of a growing tape is read like that of a finished one", () => {
  test("each event, at any place", async () => {
    const writer = await rig.claim({ settings });
    for (let from = 0; from < 320; from += 80) {
      await appendWithEvents(writer, someFrames(from, from + 80), from, 0);
      if (from < 240) await writer.settled(); // another part
    }
    expect((await new TrackParts(rig.store, writer.tape).list()).length).toBeGreaterThan(1);
    const growing = trackOf(await rig.process().tapes.open(writer.tape));
    const places: TrackPlace[] = [
      ...[0, 1, 57, 200, 399, 639, 640].map((n) => ({ n })),
      ...[0, 1, 99, 150, 199, 318, 319].map((seq) => ({ seq })),
      ...[0, 1, 50, 333, 400, 640].map((at) => ({ ts: ms(at) })),
    ];
    const read = async (track: typeof growing) => {
      const results = [];
      for (const place of places) {
        const to =
          "n" in place ? { n: place.n + 3 } : "seq" in place ? { seq: place.seq + 2 } : { ts: place.ts + 5_000_000n };
        results.push({
          place: Object.entries(place).map(String),
          book: levelsOf(await track.bookAt(place)),
          events: plain(await collect(track.events({ from: place, to }))),
        });
      }
      return results;
    };
    const all = plain(await collect(growing.events()));
    const [growingReads, decimals] = [await read(growing), growing.decimals];
    expect(all).toHaveLength(641);
    const bookRows = (await collect(growing.bookBatches())).reduce((sum, { rows }) => sum + rows, 0);
    const tradeRows = (await collect(growing.tradeBatches())).reduce((sum, { rows }) => sum + rows, 0);
    await writer.finish();
    const finished = trackOf(await recorded(rig.store, writer.tape.split("@")[0] ?? ""));
    expect(all).toEqual(plain(await collect(finished.events())));
    expect(growingReads).toEqual(await read(finished));
    expect([bookRows, tradeRows]).toEqual([380, 320]);
    expect(decimals).toEqual(finished.decimals);
  });

  test("[LT96] what the newest frame shows is waited for, however long it takes to come", async () => {
    const slow = { ...settings, track: { ...settings.track, batchMs: 1_500 } };
    const writer = await rig.claim({ settings: slow });
    await appendWithEvents(writer, someFrames(0, 1), 0);
    const through = () => rig.redis.hget(rig.keys.liveTape(source, symbol), "track_through");
    await expect.poll(through, { timeout: 10_000 }).toBe(`${writer.tape} 0`);
    await appendWithEvents(writer, someFrames(1, 3), 1, 0);
    const tape = await rig.process().tapes.open(writer.tape);
    const { bids } = await trackOf(tape).bookAt({ seq: tape.span.lastSeq });
    expect(bids.filter(([price]) => price >= 20 && price < 23).map(([, size]) => size)).toEqual([3, 2, 1]);
    await appendWithEvents(writer, someFrames(3, 5), 3, 0);
    await tapeWith(4, tape);
    expect(await collect(trackOf(tape).events({ from: { seq: 3 } }))).toHaveLength(4);
  });

  test("[LT96] events that do not come are missed rather than left out, and frames that show none are not waited for", async () => {
    const writer = await rig.claim({ settings });
    await appendWithEvents(writer, someFrames(0, 3), 0);
    await appendAll(writer, someFrames(3, 6));
    const tape = await rig.process().tapes.open(writer.tape);
    await tapeWith(5, tape);
    expect(await collect(trackOf(tape).events({ to: { seq: 6 } }))).toHaveLength(7);
    // As if the feed had been killed before it could send the last events.
    await rig.redis.hset(rig.keys.liveTape(source, symbol), { track_through: `${writer.tape} 2` });
    const later = await rig.process().tapes.open(writer.tape);
    await expect(collect(trackOf(later).events({ to: { seq: 6 } }))).rejects.toThrow("frame 5");
    expect(await collect(trackOf(later).events({ to: { seq: 3 } }))).toHaveLength(7);
  });

  test("[LT87] begins where the tape does: with the whole book that its first frame needs", async () => {
    const writer = await rig.claim({ settings: { ...settings, segmentSeconds: 1, retentionHours: 5 / 3_600 } });
    for (let seq = 0; seq < 160; seq++) {
      const full = seq % 20 === 19 ? [fullBook(2 * seq + 2, 0, seq)] : [];
      const [frame] = someFrames(seq, seq + 1);
      expect(await writer.append(frame ?? expect.fail(), startNs, [...entriesOf(seq, 0), ...full])).toBe("appended");
      if (seq % 10 === 0) await writer.settled();
    }
    await writer.settled();
    const tape = await rig.process().tapes.open(writer.tape);
    expect(tape.span.firstSeq).toBeGreaterThan(60);
    const events = plain(await collect(trackOf(tape).events()));
    const { firstSeq } = tape.span;
    const books = await Promise.all([firstSeq, firstSeq + 7, 159].map((seq) => trackOf(tape).bookAt({ seq })));
    await writer.finish();
    const finished = trackOf(await recorded(rig.store, writer.tape.split("@")[0] ?? ""));
    expect(events).toEqual(plain(await collect(finished.events())));
    expect(events[0]).toMatchObject({ seq: firstSeq, state: "derived", isSnapshot: true });
    for (const [at, seq] of [firstSeq, firstSeq + 7, 159].entries()) {
      expect(books[at]?.bids).toEqual((await finished.bookAt({ seq })).bids);
    }
  });

  test("[LT85] after events that were lost, with the next whole book", async () => {
    const writer = await rig.claim({ settings });
    await appendWithEvents(writer, someFrames(0, 5), 0);
    const reader = rig.process();
    await expect.poll(async () => (await events(reader, writer.tape)).length).toBe(11);
    await rig.redis.del(eventsKey());
    await appendWithEvents(writer, someFrames(5, 8), 5, 0);
    await expect.poll(async () => rig.redis.exists(eventsKey())).toBe(1);
    const other = rig.process();
    await expect(events(other, writer.tape)).rejects.toThrow(TrackNotFound);
    writer.addEvents([wholeBook(50, 7), change(51, 20, 3)]);
    await expect.poll(async () => (await events(other, writer.tape)).map(({ n }) => n)).toEqual([17, 18]);
  });

  test("with what was missing, once a part has it", async () => {
    const writer = await rig.claim({ settings });
    await appendWithEvents(writer, someFrames(0, 5), 0);
    await expect.poll(() => rig.redis.exists(eventsKey())).toBe(1);
    await rig.redis.del(eventsKey());
    const tape = await rig.process().tapes.open(writer.tape);
    await appendWithEvents(writer, someFrames(5, 8), 5, 0);
    await expect.poll(() => rig.redis.exists(eventsKey())).toBe(1);
    await expect(trackOf(tape).bookAt({ seq: 2 })).rejects.toThrow(TrackNotFound);
    await appendWithEvents(writer, someFrames(8, 150), 8, 0);
    await writer.settled();
    const track = trackOf(tape);
    if (!(track instanceof GrowingTrack)) expect.fail("the tape does not grow");
    await track.update({ list: true });
    expect((await collect(track.events())).map(({ n }) => n)).toEqual(Array.from({ length: 301 }, (_, n) => n));
  });

  test("is refused if the feed recorded none, and a damaged part by its name", async () => {
    const writer = await rig.claim({ settings });
    await appendAll(writer, someFrames(0, 3));
    const tape = await rig.process().tapes.open(writer.tape);
    await expect(trackOf(tape).bookAt({ seq: 1 })).rejects.toThrow(TrackNotFound);
    await expect(pinnedTrackOf(tape)).rejects.toThrow(TrackNotFound);
    const second = await rig.claim({ settings });
    await appendWithEvents(second, someFrames(3, 150), 3);
    await second.settled();
    const [part] = await new TrackParts(rig.store, writer.tape).list();
    const parts = rig.store.segments(trackStoreId(writer.tape.split("@")[0] ?? ""));
    await parts.erase(part?.id ?? "");
    const bad = await parts.begin(part?.id ?? "");
    await bad.append("events.ndjson.gz", gzipSync("no event\n"));
    await bad.commit();
    const damaged = trackOf(await rig.process().tapes.open(writer.tape)).bookAt({ seq: 5 });
    await expect(damaged).rejects.toThrow(
      `Tape ${writer.tape} is damaged: part ${part?.id} of its event track is damaged`,
    );
  });
});

test("[LT91] a reader gets all numbers with the decimals that were known when it began, and later readers with more", async () => {
  const writer = await rig.claim({ settings });
  await appendWithEvents(writer, someFrames(0, 100), 0);
  await writer.settled();
  const tape = await rig.process().tapes.open(writer.tape);
  const before = await pinnedTrackOf(tape);
  expect(before.decimals).toEqual({ price: 0, size: 1 });
  const begun = before.events()[Symbol.asyncIterator]();
  await begun.next();
  writer.addEvents([change(999, 25.5, 0.000625)]);
  await writer.settled();
  await appendWithEvents(writer, someFrames(100, 240), 100, 0);
  await writer.settled();
  const rest = await collect({ [Symbol.asyncIterator]: () => begun });
  expect(rest.length).toBe(200);
  expect(rest.at(-1)).toMatchObject({ kind: "trade", price: "100", amount: "0.5" });
  const after = await pinnedTrackOf(tape);
  expect(after.decimals).toEqual({ price: 1, size: 6 });
  const all = await collect(after.events());
  expect(all.at(-1)).toMatchObject({ price: "100.0", amount: "0.500000" });
  expect(all.find(({ n }) => n === 201)).toMatchObject({
    levels: [expect.objectContaining({ amountUnits: 625, price: "25.5" })],
  });
});

describe("[LT92] a book costs the events since the last whole one, wherever it is", () => {
  test("the part with the whole book, those after it, and no other", async () => {
    const read: string[] = [];
    const store = storeWith(rig.store, {
      segments: (of) => {
        const inner = rig.store.segments(of);
        return storeWith(inner, {
          read: (id, version, file) => {
            if (of.endsWith(".track")) read.push(id);
            return inner.read(id, version, file);
          },
        });
      },
    });
    const writer = await rig.claim({ settings: { ...settings, segmentSeconds: 1 } });
    for (let from = 0; from < 600; from += 60) {
      await appendWithEvents(writer, someFrames(from, from + 60), from, 0);
      if (from % 180 === 0) writer.addEvents([fullBook(2 * from + 120, 0, from + 59)]);
      await writer.settled();
    }
    const parts = await new TrackParts(rig.store, writer.tape).list();
    const withBook = parts.findLastIndex(({ wholeSeq }, at) => wholeSeq !== undefined && at + 1 < parts.length);
    expect(withBook).toBeGreaterThan(2);
    expect(parts[withBook + 1]?.wholeSeq).toBeUndefined();
    const place = { n: (parts[withBook + 1]?.firstN ?? 0) + 3 };
    const { bids } = await trackOf(await rig.process({ store }).tapes.open(writer.tape)).bookAt(place);
    expect(read).toEqual([parts[withBook]?.id, parts[withBook + 1]?.id]);
    await writer.finish();
    const finished = trackOf(await recorded(rig.store, writer.tape.split("@")[0] ?? ""));
    expect(bids).toEqual((await finished.bookAt(place)).bids);
  });
});

describe("[LT93] events that move while they are read are read on where they are", () => {
  test.each([
    ["in the finished tape", async (writer: LiveTapeWriter) => writer.finish()],
    [
      "in a joined part",
      async (writer: LiveTapeWriter) => {
        for (let from = 300; from < 1_400; from += 70) {
          await appendWithEvents(writer, someFrames(from, from + 70), from, 0);
          await writer.settled();
        }
        expect((await new TrackParts(rig.store, writer.tape).list()).some(({ joined }) => joined)).toBe(true);
      },
    ],
  ])("%s", async (_, move) => {
    const writer = await rig.claim({ settings: { ...settings, segmentSeconds: 1 } });
    for (let from = 0; from < 300; from += 60) {
      await appendWithEvents(writer, someFrames(from, from + 60), from, 0);
      if (from < 240) await writer.settled();
    }
    const reader = rig.process();
    const track = await pinnedTrackOf(await reader.tapes.open(writer.tape));
    const reading = track.events();
    const book = await track.bookAt({ seq: 280 });
    const first = await reading.next();
    evict(reader.cache);
    await move(writer);
    const seen = [first.value?.n, ...(await collect(reading)).map(({ n }) => n)];
    expect(seen).toEqual(Array.from({ length: 601 }, (_, n) => n));
    evict(reader.cache);
    expect((await track.bookAt({ seq: 280 })).bids).toEqual(book.bids);
    expect((await track.bookAt({ ts: ms(561) })).bids).toEqual(book.bids);
  });
});

test("[LT93] events that are erased while they are read are missed by name, and never passed over", async () => {
  const writer = await rig.claim({ settings: { ...settings, segmentSeconds: 1 } });
  for (let from = 0; from < 300; from += 60) {
    await appendWithEvents(writer, someFrames(from, from + 60), from, 0);
    await writer.settled();
  }
  const reader = rig.process();
  const track = await pinnedTrackOf(await reader.tapes.open(writer.tape));
  const reading = track.tradeBatches();
  await reading.next();
  evict(reader.cache);
  const parts = new TrackParts(rig.store, writer.tape);
  const erased = (await parts.list()).slice(0, 2);
  await parts.erase(erased);
  await expect(collect(reading)).rejects.toThrow(
    new RegExp(
      `events ${erased[0]?.nextN} to ${(erased[1]?.nextN ?? 0) - 1} of its event track are older than what is kept`,
    ),
  );
});

test("[LT94] listings say whether a growing tape has an event track, also before a part of it is stored", async () => {
  const writer = await rig.claim({ settings });
  await appendAll(writer, someFrames(0, 3));
  const listed = async (process = rig.process()) => {
    const [view] = await process.tapes.list();
    return [view?.event_track, (await process.tapes.view(writer.tape)).event_track];
  };
  const follower = rig.process();
  await follower.tapes.open(writer.tape);
  expect([await listed(), await listed(follower)]).toEqual([
    [false, false],
    [false, false],
  ]);
  await writer.release();
  const second = await rig.claim({ settings });
  await appendWithEvents(second, someFrames(3, 5), 3);
  await expect.poll(() => rig.redis.exists(eventsKey())).toBe(1);
  expect([await listed(), await listed(follower)]).toEqual([
    [true, true],
    [true, true],
  ]);
  await second.finish();
  expect(await listed(follower)).toEqual([true, true]);
});

const events = async (process: Process, tape: string) => collect(trackOf(await process.tapes.open(tape)).events());

async function tapeWith(seq: number, tape: Tape): Promise<void> {
  await expect.poll(() => tape.span.lastSeq).toBe(seq);
}
