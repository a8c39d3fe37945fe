import { fillOf, makeSegment, type TakeBlock } from "../segment-frames.js";
import type { SegmentMaker } from "../segment-pool.js";
import type { FillTask, SegmentTask } from "../segment-worker.js";

/** Makes segments where it is asked, without threads, and counts them. */
export class InlineMaker implements SegmentMaker {
  made = 0;

  async make({ name, segment, orders }: SegmentTask, take: TakeBlock) {
    this.made++;
    return makeSegment(name, segment, take, { orders });
  }

  async fill({ name, orders }: FillTask) {
    return fillOf(name, orders);
  }
}
