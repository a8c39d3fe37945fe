import type { Seq, Tape } from "../../tape.js";
import { SimulatedTape } from "../simulated-tape.js";

/** Up to which frame two tapes are the same, with all events that these show; undefined if they are of different markets. */
export function lastSharedFrame(one: Tape, other: Tape): Seq | undefined {
  if (one.id === other.id) return Number.POSITIVE_INFINITY;
  if (!(one instanceof SimulatedTape && other instanceof SimulatedTape) || one.market !== other.market)
    return undefined;
  const first = one.orders.findIndex(({ id }, at) => id !== other.orders[at]?.id);
  const at = first < 0 ? one.orders.length : first;
  const seqs = [one.orders[at], other.orders[at]].map((order) => order?.seq ?? Number.POSITIVE_INFINITY);
  return Math.min(...seqs) - 1;
}
