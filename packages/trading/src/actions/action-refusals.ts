import type { RefusalCode } from "@tapedeck/matching";
import { RefusedError, refuse } from "@tapedeck/protocol";

/** The code of our own for what the venue says of a cancellation or a replacement. */
export function refusalOf(code: RefusalCode) {
  return code === "UNKNOWN_ORDER" || code === "NOT_RESTING" ? "ORDER_NOT_OPEN" : "INVALID_VALUE";
}

/** The chain has begun, so its settings are fixed. */
export function hasOrders(id: string): RefusedError {
  return new RefusedError(
    refuse(
      "HAS_ORDERS",
      `Session ${id} has orders; its settings can be changed after a rewind to before the first one. Nothing was changed.`,
    ),
  );
}
