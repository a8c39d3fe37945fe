import {
  effectiveStates,
  eventStates,
  pinnedTrackOf,
  type Tape,
  type TrackDecimals,
  type TrackedEvent,
  type TrackReader,
} from "@tapedeck/tape";

/** Events that are read ahead at most. On a tape whose later events may become others these are made to be read, about two seconds of market. */
const mostAhead = { stored: 1_024, changing: 256 };
/** At first, since most requests want the market as it is at one moment; each further time it is twice as many. */
const leastAhead = 32;
/** It reads on when no more than this part of them is left. */
const readOnAt = 1 / 4;
/** Events of tapes that are made on request are asked for in ranges of this length. */
const rangeNs = 3_600_000_000_000n;

const effective: ReadonlySet<string> = new Set(eventStates.slice(0, effectiveStates));

/** The events of a tape that changed the book or are trades of the market, read ahead so that the player does not wait for each. */
export class EventReader {
  readonly #tape: Tape;
  readonly #mostAhead: number;
  #ahead = leastAhead;
  #buffer: TrackedEvent[] = [];
  #at = 0;
  #nextN: number;
  #reachedNs: bigint;
  #events: AsyncGenerator<readonly TrackedEvent[], void, undefined> | undefined;
  #filling: Promise<void> | undefined;
  #decimals: TrackDecimals | undefined;
  #exhausted = false;
  #closed = false;

  /** @param from the number of the first event. @param ns where the playhead is, in nanoseconds since 1970 */
  constructor(tape: Tape, from: number, ns: bigint) {
    this.#tape = tape;
    this.#mostAhead = tape.asOf === undefined ? mostAhead.stored : mostAhead.changing;
    this.#nextN = from;
    this.#reachedNs = ns;
  }

  /** The next event, if it has been read. */
  peek(): TrackedEvent | undefined {
    return this.#buffer[this.#at];
  }

  /** Goes on to the event after the next one. */
  advance(): void {
    this.#at++;
    if (!this.#exhausted && this.#buffer.length - this.#at < this.#ahead * readOnAt) this.fill().catch(() => {}); // who waits for it gets the error
  }

  /** All that the tape has by now was read. It may grow: `again` looks. */
  get exhausted(): boolean {
    return this.#exhausted && this.#at >= this.#buffer.length;
  }

  /** The decimals of the events that are read now; undefined before the first. */
  get decimals(): TrackDecimals | undefined {
    return this.#decimals;
  }

  again(): void {
    this.#exhausted = false;
  }

  /** Reads on; resolves when there is another event, or none by now. Rejects as reading the tape does: then it can be tried again. */
  fill(): Promise<void> {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  close(): void {
    this.#closed = true;
    this.#exhausted = true;
    void this.#events?.return().catch(() => {});
  }

  async #fill(): Promise<void> {
    this.#buffer = this.#buffer.slice(this.#at);
    this.#at = 0;
    this.#ahead = Math.min(2 * this.#ahead, this.#mostAhead);
    while (!this.#closed && !this.#exhausted && this.#buffer.length - this.#at < this.#ahead) {
      this.#events ??= await this.#open();
      const { done, value: events } = await this.#read(this.#events);
      if (done) {
        this.#exhausted = this.#reachedEnd();
        this.#events = undefined;
      } else for (const event of events) this.#take(event);
    }
  }

  #take(event: TrackedEvent): void {
    if (effective.has(event.state)) this.#buffer.push(event);
    this.#nextN = event.n + 1;
    if (event.timestampNs > this.#reachedNs) this.#reachedNs = event.timestampNs;
  }

  async #read(events: AsyncGenerator<readonly TrackedEvent[], void, undefined>) {
    try {
      return await events.next();
    } catch (error) {
      this.#events = undefined;
      throw error;
    }
  }

  /** Of a tape that is made on request, a range has ended, which is not the tape's end. */
  #reachedEnd(): boolean {
    if (this.#tape.longestRangeNs === undefined) return true;
    this.#reachedNs += rangeNs;
    return this.#reachedNs > this.#tape.startNs + BigInt(this.#tape.span.lastNs);
  }

  async #open(): Promise<AsyncGenerator<readonly TrackedEvent[], void, undefined>> {
    const track: TrackReader = await pinnedTrackOf(this.#tape);
    this.#decimals = track.decimals;
    const to = this.#tape.longestRangeNs === undefined ? undefined : { ts: this.#reachedNs + rangeNs };
    return track.eventLists({ from: { n: this.#nextN }, to });
  }
}
