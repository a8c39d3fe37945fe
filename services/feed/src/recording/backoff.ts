import { type BackoffLimits, backoffMs } from "@tapedeck/runtime";
import type { VenueErrorKind } from "../venues/venue.js";

const afterError: BackoffLimits = { firstMs: 500, maxMs: 30_000, jitter: 1 };
/** A venue that refuses connections is left alone for longer. */
const afterRefusal: BackoffLimits = { firstMs: 60_000, maxMs: 60_000, jitter: 0.5 };
/** A connection that was good for this long resets the count of failures. */
const soundMs = 10_000;

/** How long to wait before reconnecting to a venue, by its failures in a row. */
export class Backoff {
  #failures = 0;
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Failed attempts in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds until the next attempt, after an error of this kind on a connection whose book was good for `goodForMs`. */
  after(kind: VenueErrorKind, goodForMs: number): number {
    if (goodForMs >= soundMs) this.#failures = 0;
    this.#failures++;
    return backoffMs(this.#failures, kind === "refused" ? afterRefusal : afterError, this.#random());
  }
}
