import type { BookLevel } from "../../book/order-book.js";
import type { RaiseAlert } from "../alert-throttle.js";
import type { Detector, DetectorInput } from "./detector.js";

/** DATA_VALIDATION_ERROR: an impossible book. Importers repair what they can, so it is rare on a tape. */
export class DataValidation implements Detector {
  copy(): DataValidation {
    return this; // it remembers nothing
  }

  detect({ moment: { bids, asks } }: DetectorInput, raise: RaiseAlert): void {
    const problem = problemOf(bids, asks);
    if (problem === undefined) return;
    raise({ type: "DATA_VALIDATION_ERROR", severity: "high", message: problem, fields: {} });
  }
}

function problemOf(bids: readonly BookLevel[], asks: readonly BookLevel[]): string | undefined {
  if (!valid(bids, -1) || !valid(asks, 1)) return "A side's levels are out of order or hold no size";
  const bid = bids[0]?.[0] ?? Number.NEGATIVE_INFINITY;
  const ask = asks[0]?.[0] ?? Number.POSITIVE_INFINITY;
  return bid >= ask ? "The best bid is not below the best ask" : undefined;
}

function valid(levels: readonly BookLevel[], outward: 1 | -1): boolean {
  let before = -outward * Number.POSITIVE_INFINITY;
  for (const level of levels) {
    const price = level[0];
    if (!Number.isFinite(price) || !Number.isFinite(level[1]) || level[1] <= 0) return false;
    if (!(outward * (price - before) > 0)) return false;
    before = price;
  }
  return true;
}
