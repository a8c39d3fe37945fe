import type { WallMs } from "@tapedeck/protocol";
import type { SessionHash } from "./hash-reader.js";
import { isNodeAlive } from "./node-heartbeats.js";

/**
 * Sockets by gateway, of the gateways that live: each field holds `{sockets} {deadline}`. What a gateway that was killed has left
 * counts no more once its heartbeat is missed; the deadline is for one that lives and has forgotten the session.
 */
export function decodeViewers(hash: SessionHash, now: WallMs, beats: ReadonlyMap<string, WallMs>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [node, value] of Object.entries(hash)) {
    const [sockets = 0, deadline = 0] = value.split(" ").map(Number);
    if (deadline > now && isNodeAlive(beats.get(node), now)) counts.set(node, sockets);
  }
  return counts;
}

export function sumOfViewers(viewers: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const sockets of viewers.values()) sum += sockets;
  return sum;
}
