import { LRUCache } from "lru-cache";
import type { DamagedBlock } from "../errors.js";

/** A block is reported again after an hour, since it may have been repaired meanwhile. */
const quietMs = 3_600_000;

/** Makes a process report each damaged block once, however many sessions and sockets read it. */
export class DamageReports {
  readonly #reported = new LRUCache<string, true>({ max: 1_000, ttl: quietMs });

  /** True once per block and hour. */
  shouldReport({ tape, block }: Pick<DamagedBlock, "tape" | "block">): boolean {
    const key = `${tape}/${block}`;
    if (this.#reported.has(key)) return false;
    this.#reported.set(key, true);
    return true;
  }
}
