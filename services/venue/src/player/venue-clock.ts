/** How many update ids a millisecond has room for. */
const idsPerMs = 4096;
/** Ids that each event takes: a diff spans two, since some clients take one of a single id for a repeated one. */
const idsPerEvent = 2;
/** A simulated tape numbers the events of each minute from a multiple of this, whatever their count. */
const simulatedNumbers = 2 ** 20;
/** At 1,000x a simulated minute has this much room before ids get ahead of the clock. */
const simulatedIds = 2 ** 16;

interface ClockOptions {
  readonly epoch: number;
  /** The last event that the epoch's first frame shows, by its number. */
  readonly originN: number;
  /** The time of that frame, in nanoseconds since 1970. */
  readonly originNs: bigint;
  readonly simulated: boolean;
}

/**
 * What the events of an epoch are called at the venue, and when they happened there. It is a pure function of the session's epoch and the tape, so all
 * nodes agree and nothing is stored: ids grow with the events, and those of a later epoch are greater, since epochs are milliseconds of Redis's clock.
 * (They are as long as an epoch delivers fewer than 2,048 updates a millisecond.)
 */
export class VenueClock {
  readonly epoch: number;
  readonly #base: number;
  readonly #place: (n: number) => number;
  readonly #shiftMs: number;

  constructor({ epoch, originN, originNs, simulated }: ClockOptions) {
    this.epoch = epoch;
    this.#place = simulated ? simulatedPlace : (n) => n;
    this.#base = epoch * idsPerMs - idsPerEvent * this.#place(originN);
    this.#shiftMs = epoch - Number(originNs / 1_000_000n);
  }

  /** The update id after an event, and the id of a trade. */
  idOf(n: number): number {
    return this.#base + idsPerEvent * this.#place(n);
  }

  /** Milliseconds since 1970: at 1x they run with the clock on the wall. @param ns nanoseconds since 1970 on the tape */
  timeOf(ns: bigint): number {
    return Number(ns / 1_000_000n) + this.#shiftMs;
  }

  /** The tape's time, in nanoseconds since 1970, that is shown as this time. */
  nsOf(ms: number): bigint {
    return BigInt(Math.floor(ms - this.#shiftMs)) * 1_000_000n;
  }
}

function simulatedPlace(n: number): number {
  const minute = Math.floor(n / simulatedNumbers);
  return minute * simulatedIds + (n - minute * simulatedNumbers);
}
