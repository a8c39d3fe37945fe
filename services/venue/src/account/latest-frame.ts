import type { Seq } from "@tapedeck/tape";
import type { PlayedEpoch } from "../player/played-epoch.js";

const latest = new WeakMap<PlayedEpoch, Seq>();

/**
 * The latest frame of an epoch up to which this process has looked at its trading, `seq` or a later one. Trading is worked out forwards:
 * an earlier place would have to be worked out from the first order.
 */
export function latestFrame(epoch: PlayedEpoch, seq: Seq): Seq {
  const known = latest.get(epoch);
  if (known !== undefined && known >= seq) return known;
  latest.set(epoch, seq);
  return seq;
}
