import type { MarketSearch } from "../search-thread.js";
import type { PricesTask } from "../search-worker.js";
import { eventsIn, fillOf, makeSegment, pricesAt, type TakeBlock } from "../segment-frames.js";
import type { SegmentMaker } from "../segment-pool.js";
import type { FillTask, SegmentTask } from "../segment-worker.js";

/** Makes and searches segments where it is asked, without threads, and counts them. */
export class InlineMaker implements SegmentMaker, MarketSearch {
  made = 0;
  searched = 0;

  async make({ name, segment, orders }: SegmentTask, take: TakeBlock) {
    this.made++;
    return makeSegment(name, segment, take, { orders });
  }

  async fill({ name, orders }: FillTask) {
    return fillOf(name, orders);
  }

  async events({ name, segment, orders }: SegmentTask) {
    this.searched++;
    return eventsIn(name, segment, { orders });
  }

  async prices({ name, segments }: PricesTask) {
    return pricesAt(name, segments);
  }
}
