import type { LiquidityGap } from "@tapedeck/protocol";
import type { FrameLog } from "../../playback/frame-log";
import { gapsOf } from "../../playback/frame-values";

interface PriceWithGap {
  readonly price: number;
  readonly side: LiquidityGap["side"];
  /** The gap in the newest frame; undefined if the level has filled or moved. */
  readonly now: LiquidityGap | undefined;
  /** Number of frames with a gap at this price. */
  readonly count: number;
}

interface GapsByPrice {
  readonly frames: number;
  /** First the gaps of the newest frame, then past ones; both from the highest price down, as in the ladder. */
  readonly prices: readonly PriceWithGap[];
}

const maxFrames = 300;
const maxPrices = 60;

/** The prices with the most gaps in the last frames up to `seq`, including all gaps of that frame. */
export function gapsByPrice(log: FrameLog, seq: number): GapsByPrice {
  const last = log.indexOfSeq(seq);
  const first = Math.max(0, last - maxFrames + 1);
  const found = new Map<string, { price: number; side: LiquidityGap["side"]; count: number; now?: LiquidityGap }>();
  for (let index = first; index <= last; index++) {
    const logged = log.at(index);
    if (!logged) continue;
    for (const gap of gapsOf(logged.frame)) {
      const key = `${gap.side} ${gap.price}`;
      const known = found.get(key) ?? { price: gap.price, side: gap.side, count: 0 };
      known.count++;
      if (index === last) known.now = gap;
      found.set(key, known);
    }
  }
  const nowFirst = (a: { now?: LiquidityGap }, b: { now?: LiquidityGap }) => Number(!a.now) - Number(!b.now);
  const prices = [...found.values()]
    .sort((a, b) => nowFirst(a, b) || b.count - a.count)
    .slice(0, maxPrices)
    .sort((a, b) => nowFirst(a, b) || b.price - a.price)
    .map(({ price, side, count, now }) => ({ price, side, count, now }));
  return { frames: last - first + 1, prices };
}
