import type { TrackedTrade, TrackedUpdate, TrackReader } from "@tapedeck/tape";

/** The events of a track that changed the book, or are in its frames: what a replay has. */
export async function effectiveEvents(track: TrackReader) {
  const trades: TrackedTrade[] = [];
  const updates: TrackedUpdate[] = [];
  for await (const event of track.events()) {
    if (event.state !== "applied" && event.state !== "again" && event.state !== "derived") continue;
    if (event.kind === "trade") trades.push(event);
    else updates.push(event);
  }
  return { trades, updates };
}

/** Levels that were written as texts. */
export function numbers(levels: readonly (readonly [price: string, amount: string])[]): [number, number][] {
  return levels.map(([price, amount]) => [Number(price), Number(amount)]);
}
