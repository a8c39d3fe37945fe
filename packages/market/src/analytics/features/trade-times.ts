import type { FrameMoment } from "../../frame/frame-analytics.js";
import { EventClock } from "./event-clock.js";

/** When the trades of a frame took place, in tape time; a trade whose time cannot be read did with its frame. */
export class TradeTimes {
  readonly #clock = new EventClock();
  readonly #ns: number[] = [];

  // HOT: once per frame of an import.
  /** One time for each of its trades; good until the next frame's are asked for. */
  of({ ns, timestamp, trades }: FrameMoment): readonly number[] {
    this.#ns.length = 0;
    if (trades.length > 0) this.#clock.start(timestamp);
    for (const trade of trades) {
      const since = this.#clock.at(trade.timestamp);
      this.#ns.push(ns + (Number.isFinite(since) ? since : 0));
    }
    return this.#ns;
  }
}
