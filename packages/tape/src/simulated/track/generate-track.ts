import { basicAnalytics, type OwnOrder } from "@tapedeck/market";
import { marketOf } from "../generate-segment.js";
import { framesPerSimulatedBlock } from "../layout.js";
import { SegmentFrames } from "../segment-frames.js";
import type { SimulatedName } from "../simulated-name.js";
import { LevelRecorder, type RecordedEvent } from "./level-recorder.js";
import { OrderRecorder } from "./order-recorder.js";
import type { SegmentLevels, SegmentOrders } from "./segment-track.js";

interface TrackOptions {
  /** The user's own, as for frames. */
  readonly orders?: readonly OwnOrder[] | undefined;
  /** Called after each six seconds of market. */
  readonly pause?: () => void;
}

/** The changes of levels and the trades of a segment. Throws as `generateSegment` does. */
export function generateLevels(name: SimulatedName, segment: number, options: TrackOptions = {}): SegmentLevels {
  return record(name, segment, options);
}

/** What happens to the orders of a segment. Throws as `generateSegment` does. */
export function generateOrders(name: SimulatedName, segment: number, options: TrackOptions = {}): SegmentOrders {
  const recorder = new OrderRecorder(segment);
  record(name, segment, options, recorder);
  return recorder.finish();
}

/**
 * Makes the market of a segment. Its frames are made, too, though without analytics, and none before them: where one would lack a change, the market
 * makes up for it.
 */
function record(
  name: SimulatedName,
  segment: number,
  { orders = [], pause }: TrackOptions,
  recorder?: OrderRecorder,
): SegmentLevels {
  const market = marketOf(name);
  const running = market.segment(segment, orders, recorder && { observer: recorder });
  const opening = running.opening();
  const levels = new LevelRecorder(segment, market.instrument);
  const opened = levels.open(opening);
  recorder?.opened(opened, running.closing);
  const shown = (event: RecordedEvent | undefined) => {
    if (event !== undefined) recorder?.shownBy(event);
  };
  const frames = new SegmentFrames(market, { analytics: basicAnalytics, onEvent: (event) => shown(levels.add(event)) });
  frames.open(opening);
  // A segment opens with the book of the frame before it.
  if (segment > 0) frames.close();
  let made = 0;
  for (const _ of frames.of(running)) if (++made % framesPerSimulatedBlock === 0) pause?.();
  return levels.finish();
}
