import type { WallMs } from "@tapedeck/protocol";
import type { SessionHash } from "./record-codec.js";

/** Sockets by gateway, of the gateways that were heard lately: each field holds `{sockets} {deadline}`. */
export function decodeViewers(hash: SessionHash, now: WallMs): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [node, value] of Object.entries(hash)) {
    const [sockets = 0, deadline = 0] = value.split(" ").map(Number);
    if (deadline > now) counts.set(node, sockets);
  }
  return counts;
}

export function sumOfViewers(viewers: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const sockets of viewers.values()) sum += sockets;
  return sum;
}
