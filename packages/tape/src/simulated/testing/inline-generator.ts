import type { OnBlock } from "../generate-segment.js";
import { InPlaceGenerator } from "../in-place-generator.js";
import type { BlockTask } from "../running/checkpoints.js";
import type { SegmentTask } from "../segment-worker.js";

/** Makes and searches segments where it is asked, without threads, and counts them. */
export class InlineGenerator extends InPlaceGenerator {
  generated = 0;
  searched = 0;
  /** Segments of event tracks, or blocks where a user has given orders. */
  tracked = 0;

  override async generate(task: SegmentTask | BlockTask, take: OnBlock) {
    this.generated++;
    return super.generate(task, take);
  }

  override async events(task: SegmentTask) {
    this.searched++;
    return super.events(task);
  }

  override async levels(task: SegmentTask) {
    this.tracked++;
    return super.levels(task);
  }

  override async track(task: BlockTask) {
    this.tracked++;
    return super.track(task);
  }

  override async orders(task: SegmentTask) {
    this.tracked++;
    return super.orders(task);
  }
}
