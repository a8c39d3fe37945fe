import type { FrameMoment } from "../../frame/frame-analytics.js";

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

/**
 * Reads the times of trades against that of their frame. Most of them lie in the same second, which is read only once. Times are
 * ISO 8601 in UTC; where one is none the answer is NaN.
 */
export class EventClock {
  #second = "";
  #secondMs = Number.NaN;
  #startMs = Number.NaN;
  #startFraction = 0;

  /** Counts from this time on. */
  start(text: string): void {
    this.#startMs = this.#read(text);
    this.#startFraction = fraction(text);
  }

  // HOT: once per trade of an import.
  /** Nanoseconds from the start to this time. */
  at(text: string): number {
    return (this.#read(text) - this.#startMs) * 1e6 + (fraction(text) - this.#startFraction);
  }

  /** Milliseconds since 1970 of the whole second. */
  #read(text: string): number {
    if (this.#second.length !== secondLength || !text.startsWith(this.#second)) {
      this.#second = text.slice(0, secondLength);
      this.#secondMs = Date.parse(`${this.#second}Z`);
    }
    return this.#secondMs;
  }
}

/** Characters of `2024-08-08T00:00:00`. */
const secondLength = 19;
const zero = "0".charCodeAt(0);

/** Nanoseconds beyond the whole second, read digit by digit: a number made of a piece of text costs several times that. */
function fraction(text: string): number {
  let ns = 0;
  let unit = 1e8;
  for (let at = secondLength + 1; at < text.length - 1; at++) {
    const digit = text.charCodeAt(at) - zero;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    ns += digit * unit;
    unit /= 10;
  }
  return ns;
}
