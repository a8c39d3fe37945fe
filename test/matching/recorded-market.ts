import type { TapeEvent } from "@tapedeck/matching";
import {
  effectiveStates,
  eventStates,
  importRecording,
  MemoryTapeStore,
  TapeCatalog,
  type TrackDecimals,
} from "@tapedeck/tape";
import { type RecordingName, recordedFiles } from "../support/tapes.js";

/** A recording as the engine takes it. */
export interface RecordedMarket {
  readonly decimals: TrackDecimals;
  readonly events: readonly TapeEvent[];
}

/** All events of a recording that changed its book or are trades of its market; undefined where the recording is absent. */
export async function recordedMarket(name: RecordingName): Promise<RecordedMarket | undefined> {
  const files = recordedFiles(name);
  if (files.length === 0) return undefined;
  const store = new MemoryTapeStore();
  const { tapes } = await importRecording(files, {}, { store });
  const tape = await new TapeCatalog(store, { cacheBytes: 64 << 20 }).open(tapes[0]?.tape ?? "");
  if (tape.track === undefined) throw new Error("the tape has no event track");
  const events: TapeEvent[] = [];
  const effective = new Set<string>(eventStates.slice(0, effectiveStates));
  for await (const event of tape.track.events()) if (effective.has(event.state)) events.push(event);
  return { decimals: tape.track.decimals, events };
}
