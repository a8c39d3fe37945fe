import type { VenueErrorKind } from "../venues/venue.js";

/** Waiting times grow from the first to the longest, doubling. */
const firstMs = 500;
const longestMs = 30_000;
/** A venue that refuses wants to be left alone. */
const refusedMs = 60_000;
/** A connection that was good for this long has nothing to do with the failures before it. */
const soundMs = 10_000;

/** How long to stay away from a venue: longer each time, with full jitter, so that feeds do not come back in step. */
export class Backoff {
  #failures = 0;
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Attempts in a row that led to nothing. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds until the next attempt, after one that ended by this trouble when its book had been good for so long. */
  after(kind: VenueErrorKind, goodForMs: number): number {
    if (goodForMs >= soundMs) this.#failures = 0;
    if (kind === "refused") {
      this.#failures++;
      return refusedMs / 2 + this.#random() * (refusedMs / 2);
    }
    const most = Math.min(longestMs, firstMs * 2 ** Math.min(this.#failures, 10));
    this.#failures++;
    return this.#random() * most;
  }
}
