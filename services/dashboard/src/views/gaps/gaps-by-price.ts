import type { LiquidityGap } from "@tapedeck/protocol";
import type { FrameLog } from "../../playback/frame-log";
import { gapsOf } from "../../playback/frame-values";

export interface PriceWithGap {
  readonly price: number;
  readonly side: LiquidityGap["side"];
  /** In the newest of the frames; undefined where the level is filled, or gone. */
  readonly now: LiquidityGap | undefined;
  /** In how many of the frames there was a gap at this price. */
  readonly count: number;
}

export interface GapsByPrice {
  readonly frames: number;
  /** First the gaps of the newest frame, then those that were; each from the highest price down, as in the ladder. */
  readonly prices: readonly PriceWithGap[];
}

const framesLookedAt = 300;
const mostPrices = 60;

/** The prices at which there was a gap in the last frames up to one, those with the most frames; all of that one's own are among them. */
export function gapsByPrice(log: FrameLog, seq: number): GapsByPrice {
  const last = log.indexOfSeq(seq);
  const first = Math.max(0, last - framesLookedAt + 1);
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
    .slice(0, mostPrices)
    .sort((a, b) => nowFirst(a, b) || b.price - a.price)
    .map(({ price, side, count, now }) => ({ price, side, count, now }));
  return { frames: last - first + 1, prices };
}
