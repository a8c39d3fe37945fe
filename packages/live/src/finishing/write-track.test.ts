import { readdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import type { BookLevel } from "@tapedeck/market";
import { DamagedTape, MemoryTapeStore } from "@tapedeck/tape";
import { expect, test } from "vitest";
import { change, wholeBook } from "../testing/entries.js";
import { PartRange } from "../track/part-range.js";
import { encodeEntry, type TrackEntry } from "../track/track-entry.js";
import { type TrackPart, TrackParts, trackPart } from "../track/track-parts.js";
import { writeTrack } from "./write-track.js";

const name = "live.SIM.BTCUSDT.1@1";
const tape = { source: "SIM", symbol: "BTCUSDT", firstSeq: 0, decimals: undefined };

/** The parts of a track with these entries, each of a frame of its own. */
async function partsWith(entries: readonly TrackEntry[]): Promise<{ parts: TrackParts; part: TrackPart }> {
  const parts = new TrackParts(new MemoryTapeStore(), name);
  const lines = entries.map((entry, n) => ({ text: encodeEntry(entry, n, n, 0), n, seq: n, entry }));
  const range = new PartRange(lines[0] ?? expect.fail());
  for (const line of lines) range.add(line);
  const part = trackPart({ claim: 1, ...range.summary, joined: false });
  await parts.write(part, [gzipSync(lines.map(({ text }) => `${text}\n`).join(""))]);
  return { parts, part };
}

/** 40,000 changes in a message. */
function bulk(at: number): TrackEntry {
  const bids = Array.from({ length: 40_000 }, (_, nth): BookLevel => [10 + (nth % 20), 1 + nth]);
  const times = { timestampNs: BigInt(at), receivedNs: BigInt(at), heard: at };
  return { kind: "book", ...times, state: "applied", snapshot: false, bids, asks: [] };
}

test("[LT95] while the track of a tape is finished, the event loop is free: encoding a row group would take a fifth of a second", async () => {
  const { parts } = await partsWith([wholeBook(0, 1), ...Array.from({ length: 6 }, (_, nth) => bulk(nth + 1))]);
  const files = new Map<string, number>();
  let done = false;
  const writing = writeTrack(
    { appendTrack: async (file, bytes) => void files.set(file, (files.get(file) ?? 0) + bytes.length) },
    parts,
    { ...tape, lastSeq: 6 },
  ).finally(() => {
    done = true;
  });
  let turns = 0;
  for (; !done; turns++) await new Promise(setImmediate);
  expect(await writing).toMatchObject({ level_changes: 60 + 240_000, events: 7 });
  expect([...files.keys()].sort()).toEqual(["book", "snapshots", "trades"]);
  expect(turns).toBeGreaterThan(100);
});

test("[LT95] nothing but the thread's own module can make a track", async () => {
  const folder = new URL("../", import.meta.url);
  const files = (await readdir(folder, { recursive: true })).filter((file) => /(?<!\.test)\.ts$/.test(file));
  const texts = await Promise.all(
    files.map(async (file) => ({ file, text: await readFile(new URL(file, folder), "utf8") })),
  );
  const importers = (what: RegExp) => texts.flatMap(({ file, text }) => (what.test(text) ? [file] : []));
  expect(importers(/^import \{[^}]*\bTrackReplay\b[^}]*\} from/m)).toEqual(["finishing/track-worker.ts"]);
  expect(importers(/^import \{[^}]*\bTrackWriter\b[^}]*\} from/m)).toEqual(["finishing/track-replay.ts"]);
});

test("[LT88] a damaged part is refused by its name, and so is a thread that cannot go on", async () => {
  const { parts, part } = await partsWith([wholeBook(0, 1), change(1, 20, 2)]);
  const nothing = { appendTrack: async () => undefined };
  const withBytes = (bytes: Buffer) => ({
    list: () => parts.list(),
    bytes: async () => bytes,
    damaged: (of: TrackPart, cause: unknown) => parts.damaged(of, cause),
  });
  for (const bytes of [Buffer.from("no gzip"), gzipSync('{"n":0}\n')]) {
    const refused = writeTrack(nothing, withBytes(bytes), { ...tape, lastSeq: 1 });
    await expect(refused).rejects.toThrow(DamagedTape);
    await expect(refused).rejects.toThrow(part.id);
  }
  const full = { appendTrack: () => Promise.reject(new Error("the disk is full")) };
  await expect(writeTrack(full, parts, { ...tape, lastSeq: 1 })).rejects.toThrow("the disk is full");
});
