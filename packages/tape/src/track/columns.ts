import type { Column } from "./parquet-file.js";
import type { TrackDecimals, TrackFile } from "./track.js";

const text = (name: string): Column => ({ name, kind: "text" });
/** Almost the same from row to row. */
const steady = (name: string, kind: "number" | "time"): Column => ({ name, kind, encoding: "differences" });
const id = (name: string): Column => ({ ...steady(name, "number"), optional: true });

const timestamp: Column = { ...steady("timestamp", "time"), indexed: true };
const n: Column = { ...steady("n", "number"), indexed: true };
const seq: Column = { ...steady("seq", "number"), indexed: true };

/**
 * The columns of each file of an event track, in order. Those that Tardis has too have its names; `docs/tape-format.md` describes them.
 * Prices and sizes are integers with a fixed number of decimals, so that no reader rounds them.
 */
export function columnsOf(decimals: TrackDecimals): Readonly<Record<TrackFile, readonly Column[]>> {
  const price: Column = { name: "price", kind: { decimals: decimals.price } };
  const amount: Column = { name: "amount", kind: { decimals: decimals.size } };
  const market = [text("exchange"), text("symbol"), timestamp];
  const received = steady("local_timestamp", "time");
  const isSnapshot: Column = { name: "is_snapshot", kind: "flag" };
  const place = [n, seq];
  const origin = [steady("heard", "number"), text("state")];
  const ids = [id("first_id"), id("last_id"), id("previous_id")];
  return {
    book: [...market, received, isSnapshot, text("side"), price, amount, ...place, ...origin, ...ids],
    trades: [...market, received, text("id"), text("side"), price, amount, ...place, ...origin],
    snapshots: [
      ...[...market, text("side"), price, amount, ...place],
      { ...price, name: "known_low", optional: true },
      { ...price, name: "known_high", optional: true },
      { name: "limits_known", kind: "flag" },
    ],
  };
}
