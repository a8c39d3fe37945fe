/** One answer of Redis to TIME. `sentAt` and `receivedAt` are on the process's monotonic clock; all in ms. */
export interface ClockSample {
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly redisMs: number;
}

/** A difference beyond this is a jump of a clock, not drift or a slow network. */
export const jumpMs = 50;
/** How much the clock may be sped up or slowed down, as a share of the elapsed time: it never stands still or runs backwards. */
const slewRate = 0.01;
const samplesKept = 16;

/**
 * Redis's time as an offset to a monotonic clock; pure, so that tests need not wait.
 *
 * When an answer is received, Redis's clock shows at least what the answer says. Of the last samples the one that says the latest time is used:
 * the clock is late by its way back, and never ahead, however slow Redis and this process were. A clock that is ahead would show frames before they
 * are due, and the middle of a slow round trip can be. Small differences are slewed away. An answer that no offset explains which the last ones
 * allow, by more than `jumpMs`, is a jump if a second sample confirms it. A clock that was late by more than that, because all answers came late,
 * is set right at once, too, but nothing has jumped.
 */
export class ClockDiscipline {
  #samples: ClockSample[] = [];
  #offset: number;
  #since: number;
  #target: number;
  #unconfirmed: number | undefined;

  constructor(first: ClockSample) {
    this.#samples = [first];
    this.#offset = this.#target = leastOffset(first);
    this.#since = first.receivedAt;
  }

  /** Redis's time, in ms since 1970, when the monotonic clock shows `at`. */
  at(at: number): number {
    return at + this.#offsetAt(at);
  }

  /** Returns by how many ms Redis's clock jumped, normally 0. */
  add(sample: ClockSample): number {
    const offset = middleOffset(sample);
    const now = this.#offsetAt(sample.receivedAt);
    const [least, most] = [Math.max(...this.#samples.map(leastOffset)), Math.min(...this.#samples.map(mostOffset))];
    if (leastOffset(sample) - most > jumpMs || least - mostOffset(sample) > jumpMs) {
      const uncertainty = (sample.receivedAt - sample.sentAt) / 2;
      const confirmed = this.#unconfirmed !== undefined && Math.abs(offset - this.#unconfirmed) - uncertainty <= jumpMs;
      this.#unconfirmed = offset;
      if (!confirmed) return 0;
      this.#unconfirmed = undefined;
      this.#samples = [sample];
      this.#offset = this.#target = leastOffset(sample);
      this.#since = sample.receivedAt;
      return this.#offset - now;
    }
    this.#unconfirmed = undefined;
    this.#samples.push(sample);
    if (this.#samples.length > samplesKept) this.#samples.shift();
    this.#since = sample.receivedAt;
    this.#target = Math.max(...this.#samples.map(leastOffset));
    this.#offset = this.#target - now > jumpMs ? this.#target : now;
    return 0;
  }

  /** Whether a jump awaits its second sample, which should then be taken soon. */
  get jumpUnconfirmed(): boolean {
    return this.#unconfirmed !== undefined;
  }

  #offsetAt(at: number): number {
    const most = Math.max(0, at - this.#since) * slewRate;
    return this.#offset + Math.min(most, Math.max(-most, this.#target - this.#offset));
  }
}

function leastOffset({ receivedAt, redisMs }: ClockSample): number {
  return redisMs - receivedAt;
}

function mostOffset({ sentAt, redisMs }: ClockSample): number {
  return redisMs - sentAt;
}

/** Off by at most half a round trip, in either direction. */
function middleOffset({ sentAt, receivedAt, redisMs }: ClockSample): number {
  return redisMs - (sentAt + receivedAt) / 2;
}
