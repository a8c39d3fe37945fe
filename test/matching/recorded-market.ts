import type { TapeEvent, TapeOrder, TapeOrders } from "@tapedeck/matching";
import {
  BlockCache,
  bookSides,
  effectiveStates,
  eventStates,
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
import { type RecordingName, recordedFiles } from "../support/tapes.js";

/** A market as the engine takes it. */
export interface RecordedMarket {
  readonly decimals: TrackDecimals;
  readonly events: readonly TapeEvent[];
  /** What the events were read from. */
  readonly track: TrackReader;
}

const effective = new Set<string>(eventStates.slice(0, effectiveStates));
const actions = ["add", "modify", "cancel", "execute", "hidden", "trade", "clear"] as const;

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
  const events: TapeEvent[] = [];
  for await (const event of track.events(range)) if (effective.has(event.state)) events.push(event);
  const orders: TapeOrders[] = [];
  for await (const { rows, n, timestamp, state, ...columns } of track.orders?.batches(range) ?? []) {
    for (let row = 0; row < rows; row++) {
      if ((state[row] ?? effectiveStates) >= effectiveStates) continue;
      const action = actions.find((known) => known === columns.action[row]);
      if (action === undefined) continue;
      const known = (value = Number.NaN) => (Number.isNaN(value) ? undefined : value);
      const order: TapeOrder = {
        action,
        id: `${columns.orderId[row]}`,
        side: bookSides[columns.side[row] ?? bookSides.length],
        priceUnits: known(columns.price[row]),
        amountUnits: columns.amount[row] ?? 0,
        restUnits: known(columns.rest[row]),
      };
      orders.push({ kind: "orders", n: n[row] ?? -1, timestampNs: timestamp[row] ?? 0n, orders: [order] });
    }
  }
  // Orders before the update whose levels they make: a stable sort keeps them in front.
  return { decimals: track.decimals, track, events: [...orders, ...events].sort((a, b) => a.n - b.n) };
}
