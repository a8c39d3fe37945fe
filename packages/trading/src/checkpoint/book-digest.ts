import { createHash } from "node:crypto";
import type { TapeState } from "@tapedeck/matching";

/** Tells a book of a tape from any other one: levels in the order of their prices, as an engine gives them. */
export function bookDigest({ bids, asks }: Pick<TapeState, "bids" | "asks">): string {
  const [ofBids, ofAsks] = [[...bids].flat(), [...asks].flat()];
  const numbers = Float64Array.from([ofBids.length, ...ofBids, ...ofAsks]);
  return createHash("sha1").update(new Uint8Array(numbers.buffer)).digest("base64url");
}
