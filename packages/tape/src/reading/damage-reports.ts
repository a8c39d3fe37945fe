import { LRUCache } from "lru-cache";
import type { DamagedBlock } from "../errors.js";

/** How long a block that was told of is not told of again: long enough for a log, and not for ever, since it may be repaired. */
const quietMs = 3_600_000;

/** What a process has told of damaged blocks: each once, however many sessions and sockets come to it. */
export class DamageReports {
  readonly #told = new LRUCache<string, true>({ max: 1_000, ttl: quietMs });

  /** Whether this block has not been told of before; from now on it has. */
  shouldReport({ tape, block }: Pick<DamagedBlock, "tape" | "block">): boolean {
    const key = `${tape}/${block}`;
    if (this.#told.has(key)) return false;
    this.#told.set(key, true);
    return true;
  }
}
