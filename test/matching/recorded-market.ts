import type { TapeEvent } from "@tapedeck/matching";
import {
  BlockCache,
  importRecording,
  MemoryTapeStore,
  minCacheBytes,
  simulatedTapeInPlace,
  type Tape,
  TapeCatalog,
  type TrackDecimals,
  type TrackRange,
  type TrackReader,
  trackOf,
} from "@tapedeck/tape";
import { engineEvents } from "@tapedeck/trading";
import { type RecordingName, recordedFiles } from "../support/tapes.js";

/** A market as the engine takes it. */
export interface RecordedMarket {
  readonly decimals: TrackDecimals;
  readonly events: readonly TapeEvent[];
  /** What the events were read from. */
  readonly track: TrackReader;
}

/** All events of a recording that changed its book or are trades of its market; undefined where the recording is absent. */
export async function recordedMarket(name: RecordingName): Promise<RecordedMarket | undefined> {
  const files = recordedFiles(name);
  if (files.length === 0) return undefined;
  const store = new MemoryTapeStore();
  const { tapes } = await importRecording(files, {}, { store });
  return marketOf(await new TapeCatalog(store, { cacheBytes: 64 << 20 }).open(tapes[0]?.tape ?? ""), {});
}

/** So many frames of a simulated market, from its beginning. */
export async function simulatedMarket(name: string, frames: number): Promise<RecordedMarket> {
  const tape = await simulatedTapeInPlace(name, new BlockCache(minCacheBytes));
  return marketOf(tape, { from: { seq: 0 }, to: { seq: frames } });
}

async function marketOf(tape: Tape, range: TrackRange): Promise<RecordedMarket> {
  const track = trackOf(tape);
  const events = (await engineEvents(track, range, { orders: true })).map(({ event }) => event);
  return { decimals: track.decimals, events, track };
}
