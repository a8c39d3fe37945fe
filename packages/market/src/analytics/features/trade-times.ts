import type { FrameMoment } from "../../frame/frame-analytics.js";

/** Tape times of a frame's trades; a trade with an unreadable time gets the frame's. */
export class TradeTimes {
  readonly #clock = new EventClock();
  readonly #ns: number[] = [];

  // HOT: once per frame of an import.
  /** One time per trade; valid until the next call. */
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
 * Measures times relative to a start time. Most trades are in the same second, which is parsed only once. Times are ISO 8601 in
 * UTC; an invalid one gives NaN.
 */
export class EventClock {
  #second = "";
  #secondMs = Number.NaN;
  #startMs = Number.NaN;
  #startFraction = 0;

  /** Sets the start time. */
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

/** Nanoseconds of the second, read digit by digit: converting a substring to a number costs several times more. */
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
