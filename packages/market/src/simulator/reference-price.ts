import type { BookSideName } from "../book/order-book.js";
import type { PriceSegment } from "./price-path.js";
import type { RandomStream } from "./random/random-stream.js";
import { segmentMs, settlingMs } from "./segments.js";

/** Mean delay until the best prices reach those of the next border once that is possible, while the segment settles. */
const settlingStepMs = 80;
/** How often the best prices are compared with the fair price. */
export const followEveryMs = 10;
export const settlingFromMs = segmentMs - settlingMs;

interface ReferencePriceParts {
  readonly path: PriceSegment;
  /** Ticks that incidents and the user's own orders add to the fair price. */
  readonly shiftAt: (ms: number) => number;
  /** How far the fair price may leave the best prices, in ticks. */
  readonly stickiness: number;
  readonly random: RandomStream;
}

/** Which best prices a segment's market aims at: they stay while the fair price is near, and then jump to it. */
export class ReferencePrice {
  readonly #parts: ReferencePriceParts;
  #bid: number;
  #lastBid: number;

  /** @param bid target tick of the best bid now. @param lastBid the one at the segment's end */
  constructor(bid: number, lastBid: number, parts: ReferencePriceParts) {
    this.#bid = bid;
    this.#lastBid = lastBid;
    this.#parts = parts;
  }

  /** The same now, which goes on with other parts. */
  copy(parts: ReferencePriceParts): ReferencePrice {
    return new ReferencePrice(this.#bid, this.#lastBid, parts);
  }

  /** Target tick of the best bid; the best ask is one above. */
  get bid(): number {
    return this.#bid;
  }

  /** Price of orders at a distance from a side's best price. */
  tickAt(side: BookSideName, distance: number): number {
    return side === "bid" ? this.#bid - distance : this.#bid + 1 + distance;
  }

  /** Changes the best bid at the segment's end, after an order whose impact reaches the next border. */
  endAt(bid: number): void {
    this.#lastBid = bid;
  }

  /** Compares with the fair price. @returns whether the best prices move */
  follow(ms: number): boolean {
    const { path, shiftAt, random } = this.#parts;
    const fair = path.at(ms) + shiftAt(ms);
    const left = this.#isOutdated(this.#bid, fair);
    if (ms < settlingFromMs) return left && this.#moveTo(Math.floor(fair));
    // The segment must end at the next border's prices, so they are chosen at some time while they are near the fair price.
    const target = this.#lastBid;
    const atLast = ms === segmentMs;
    const good = this.#bid !== target && !this.#isOutdated(target, fair);
    const found = good && (left || random.integerBelow((segmentMs - ms + settlingStepMs) / followEveryMs) === 0);
    if (found || (atLast && this.#bid !== target)) return this.#moveTo(target);
    return left && !atLast && this.#moveTo(Math.floor(fair));
  }

  #moveTo(bid: number): true {
    this.#bid = bid;
    return true;
  }

  /** Whether the fair price is too far from a best bid of this tick. */
  #isOutdated(bid: number, fair: number): boolean {
    const { stickiness } = this.#parts;
    return fair > bid + 1 + stickiness || fair < bid - stickiness;
  }
}
