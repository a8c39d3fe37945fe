import type { TapePosition } from "@tapedeck/tape";
import type { PlayedEpoch } from "../player/played-epoch.js";

const latest = new WeakMap<PlayedEpoch, TapePosition>();

/**
 * The latest place of an epoch up to which this process has looked at its trading, this one or a later one. Trading is worked out forwards: an earlier
 * place would have to be worked out from a checkpoint.
 */
export function latestPlace(epoch: PlayedEpoch, place: TapePosition): TapePosition {
  const known = latest.get(epoch);
  if (known !== undefined && (known.ns > place.ns || (known.ns === place.ns && known.seq >= place.seq))) return known;
  latest.set(epoch, place);
  return place;
}
