import type { FrameLog } from "../../playback/frame-log";
import type { TimeWindow } from "../../playback/viewport";
import type { PriceSpan } from "./price-grid";

const samples = 90;

/** The prices that a window of time needs: all mids in it, and the usual depth of the book above and below. */
export function pricesWithin(log: FrameLog, { from, to }: TimeWindow): PriceSpan | undefined {
  const first = Math.max(0, log.indexAt(from));
  const last = log.indexAt(to);
  if (last < first) return undefined;
  let [low, high] = [Infinity, -Infinity];
  const depths: number[] = [];
  const every = Math.max(1, Math.floor((last - first + 1) / samples));
  for (let index = last; index >= first; index -= every) {
    const frame = log.at(index)?.frame;
    if (!frame) continue;
    low = Math.min(low, frame.mid_price);
    high = Math.max(high, frame.mid_price);
    const [bottom, top] = [frame.bids.at(-1)?.[0], frame.asks.at(-1)?.[0]];
    if (bottom !== undefined && top !== undefined) depths.push((top - bottom) / 2);
  }
  depths.sort((a, b) => a - b);
  const depth = (depths[depths.length >> 1] ?? 1) * 1.04;
  return { low: low - depth, high: high + depth };
}

/** Lets the shown prices follow the wanted ones without jitter: small changes not at all, larger ones gently. */
export class PriceFollower {
  span: PriceSpan | undefined;
  #goal: PriceSpan | undefined;

  /** Returns true while it still moves. `jump`: go there at once. */
  follow(wanted: PriceSpan, jump: boolean): boolean {
    const goal = this.#goal;
    const size = wanted.high - wanted.low;
    if (
      !goal ||
      wanted.low < goal.low - size * 0.02 ||
      wanted.high > goal.high + size * 0.02 ||
      goal.high - goal.low > size * 1.35
    ) {
      this.#goal = { low: wanted.low - size * 0.06, high: wanted.high + size * 0.06 };
    }
    const aim = this.#goal ?? wanted;
    const { span } = this;
    if (!span || jump || Math.abs(span.low - aim.low) > 3 * size) {
      this.span = aim;
      return false;
    }
    const low = span.low + (aim.low - span.low) * 0.18;
    const high = span.high + (aim.high - span.high) * 0.18;
    const close = Math.abs(low - aim.low) + Math.abs(high - aim.high) < size * 0.002;
    this.span = close ? aim : { low, high };
    return !close;
  }

  forget(): void {
    this.span = undefined;
    this.#goal = undefined;
  }
}
