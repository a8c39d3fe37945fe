import type { BlockCache } from "../reading/block-cache.js";
import { eventsIn, fillOf, generateSegment, type OnBlock, pricesAt } from "./generate-segment.js";
import type { BlockTask } from "./running/checkpoints.js";
import { BlockGenerator } from "./running/generate-block.js";
import type { MarketSearch } from "./search-thread.js";
import type { PricesTask } from "./search-worker.js";
import type { SegmentGenerator } from "./segment-pool.js";
import type { FillTask, SegmentTask } from "./segment-worker.js";
import type { SimulatedTape } from "./simulated-tape.js";
import { SimulatedTapes } from "./simulated-tapes.js";
import { generateLevels, generateOrders } from "./track/generate-track.js";

/** Makes and searches segments in the calling thread, which does nothing else meanwhile: for programs, and not for nodes. */
export class InPlaceGenerator implements SegmentGenerator, MarketSearch {
  readonly #blocks = new BlockGenerator();

  async generate(task: SegmentTask | BlockTask, take: OnBlock) {
    if ("block" in task) return this.#blocks.frames(task, take);
    return generateSegment(task.name, task.segment, take, { orders: task.orders });
  }

  async fill({ name, orders }: FillTask) {
    return fillOf(name, orders);
  }

  async events({ name, segment, orders }: SegmentTask) {
    return eventsIn(name, segment, { orders });
  }

  async prices({ name, segments }: PricesTask) {
    return pricesAt(name, segments);
  }

  async levels({ name, segment, orders }: SegmentTask) {
    return generateLevels(name, segment, { orders });
  }

  async track(task: BlockTask) {
    return this.#blocks.track(task);
  }

  async orders({ name, segment, orders }: SegmentTask) {
    return generateOrders(name, segment, { orders });
  }
}

/** A simulated tape for a program that reads it from end to end. Rejects with `TapeNotFound`, also for one with orders of a user. */
export function simulatedTapeInPlace(name: string, cache: BlockCache): Promise<SimulatedTape> {
  const maker = new InPlaceGenerator();
  return new SimulatedTapes(cache, maker, async () => [], maker).open(name);
}
