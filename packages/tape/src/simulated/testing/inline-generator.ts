import { eventsIn, fillOf, generateSegment, type OnBlock, pricesAt } from "../generate-segment.js";
import type { MarketSearch } from "../search-thread.js";
import type { PricesTask } from "../search-worker.js";
import type { SegmentGenerator } from "../segment-pool.js";
import type { FillTask, SegmentTask } from "../segment-worker.js";

/** Makes and searches segments where it is asked, without threads, and counts them. */
export class InlineGenerator implements SegmentGenerator, MarketSearch {
  generated = 0;
  searched = 0;

  async generate({ name, segment, orders }: SegmentTask, take: OnBlock) {
    this.generated++;
    return generateSegment(name, segment, take, { orders });
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
