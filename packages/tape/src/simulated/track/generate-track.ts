import { framesPerSegment, type OwnOrder } from "@tapedeck/market";
import { framesPerSimulatedBlock } from "../layout.js";
import { marketOf } from "../market-of.js";
import { ordersIn, TrackRun, type TrackStretch } from "../running/track-run.js";
import type { SimulatedName } from "../simulated-name.js";
import type { SegmentLevels, SegmentOrders } from "./segment-track.js";

interface TrackOptions {
  /** The user's own, as for frames. */
  readonly orders?: readonly OwnOrder[] | undefined;
  /** Called after each six seconds of market. */
  readonly pause?: () => void;
}

/** The changes of levels and the trades of a segment. Throws as `generateSegment` does. */
export function generateLevels(name: SimulatedName, segment: number, options: TrackOptions = {}): SegmentLevels {
  return made(TrackRun.from(marketOf(name), segment, options.orders ?? [], false), options).levels;
}

/** What happens to the orders of a segment. Throws as `generateSegment` does. */
export function generateOrders(name: SimulatedName, segment: number, options: TrackOptions = {}): SegmentOrders {
  return ordersIn(made(TrackRun.from(marketOf(name), segment, options.orders ?? [], true), options));
}

function made(run: TrackRun, { pause }: TrackOptions): TrackStretch {
  for (let frame = 1; frame <= framesPerSegment; frame++) {
    run.next();
    if (frame % framesPerSimulatedBlock === 0) pause?.();
  }
  return run.take();
}
