import { Decimals } from "@tapedeck/market";
import type { TrackDecimals } from "@tapedeck/tape";
import type { TrackEntry } from "./track-entry.js";

/** How many digits the numbers of some events have, at most: before the point, and after it. */
interface Digits {
  readonly whole: number;
  readonly decimals: number;
}

/** Of prices, and of sizes. */
export interface TrackDigits {
  readonly price: Digits;
  readonly size: Digits;
}

/** A double has this many decimal digits for certain. */
const exactDigits = 15;

/** The decimals that integers of all these numbers need, as far as they fit: those that the finished track has, too. */
export function decimalsOf(all: readonly TrackDigits[]): TrackDecimals {
  const { price, size } = mostDigits(all);
  return { price: fitting(price), size: fitting(size) };
}

export function mostDigits(all: readonly TrackDigits[]): TrackDigits {
  const none: Digits = { whole: 0, decimals: 0 };
  return all.reduce((most, { price, size }) => ({ price: larger(most.price, price), size: larger(most.size, size) }), {
    price: none,
    size: none,
  });
}

function larger(most: Digits, { whole, decimals }: Digits): Digits {
  if (whole <= most.whole && decimals <= most.decimals) return most;
  return { whole: Math.max(whole, most.whole), decimals: Math.max(decimals, most.decimals) };
}

function fitting({ whole, decimals }: Digits): number {
  return Math.min(decimals, Math.max(0, exactDigits - whole));
}

/** Counts the digits of events. */
export class DigitCounter {
  readonly #prices = new NumberCounter();
  readonly #sizes = new NumberCounter();

  // HOT: once per message of a venue.
  add(entry: TrackEntry): void {
    switch (entry.kind) {
      case "trade":
        this.#prices.add(entry.price);
        this.#sizes.add(entry.size);
        return;
      case "book":
      case "full":
        for (const levels of [entry.bids, entry.asks]) {
          for (const [price, size] of levels) {
            this.#prices.add(price);
            this.#sizes.add(size);
          }
        }
    }
  }

  get digits(): TrackDigits {
    return { price: this.#prices.digits, size: this.#sizes.digits };
  }
}

class NumberCounter {
  readonly #decimals = new Decimals();
  #largest = 0;

  add(value: number): void {
    this.#decimals.add(value);
    if (value > this.#largest) this.#largest = value;
    else if (-value > this.#largest) this.#largest = -value;
  }

  get digits(): Digits {
    const whole = this.#largest < 1 ? 0 : Math.floor(Math.log10(this.#largest)) + 1;
    return { whole: Math.min(whole, 35), decimals: this.#decimals.count };
  }
}

/** Four characters, for the name of a part. */
export function encodeDigits({ price, size }: TrackDigits): string {
  return [price.whole, price.decimals, size.whole, size.decimals].map((count) => count.toString(36)).join("");
}

/** @param text four characters of `encodeDigits` */
export function parseDigits(text: string): TrackDigits {
  const [priceWhole = 0, price = 0, sizeWhole = 0, size = 0] = Array.from(text, (digit) => Number.parseInt(digit, 36));
  return { price: { whole: priceWhole, decimals: price }, size: { whole: sizeWhole, decimals: size } };
}
