import { pinnedTrackOf, type Seq, type Tape, type TrackDecimals } from "@tapedeck/tape";
import { LRUCache } from "lru-cache";
import { engineEvents, type VenueEvent } from "./engine-events.js";
import { type ClockTape, frameTime, tapeTime } from "./tape-clock.js";

/** Frames that are read together. */
const windowFrames = 256;
/** Events that are kept, of all tapes: about a kilobyte each. */
const keptEvents = 100_000;

/** An event on the tape's clock. */
export interface ShownEvent extends VenueEvent {
  /**
   * For a look between two frames, the event has happened from this time on: the nanosecond after its own time, or the frame's time if they are the same.
   */
  readonly fromNs: bigint;
}

/** What to read of a tape. */
export interface EventSource {
  readonly tape: Tape;
  readonly decimals: TrackDecimals;
  readonly orders: boolean;
}

/** The events of tapes on their tapes' clock, read by some hundred frames and shared by all sessions of a process. */
export class EventWindows {
  readonly #kept = new LRUCache<string, Promise<readonly ShownEvent[]>>({ max: 5_000, maxSize: keptEvents });

  /** Events that are kept, as far as they have been read. */
  get size(): number {
    return this.#kept.calculatedSize;
  }

  /** The events that frames `from` to `to` show first, both inclusive. Rejects as reading the tape does. */
  async *read(source: EventSource, from: Seq, to: Seq): AsyncGenerator<readonly ShownEvent[], void, undefined> {
    const last = Math.min(to, source.tape.span.lastSeq);
    const frames = framesOf(source.tape);
    for (let first = Math.floor(from / frames) * frames; first <= last; first += frames) {
      const end = first + frames - 1;
      // What is still to come on a simulated tape makes no work before it is read.
      const tape = source.tape.asOf?.(Math.min(last, end)) ?? source.tape;
      const events = await this.#window({ ...source, tape }, { first, end }, { from, last });
      yield between(events, from, last);
    }
  }

  /** The last frame of the window in which a frame is. */
  endOf(seq: Seq): Seq {
    return (Math.floor(seq / windowFrames) + 1) * windowFrames - 1;
  }

  /** A window, or where the tape ends within it, only what is wanted: at the live edge every frame is another end. */
  #window(
    source: EventSource,
    window: { readonly first: Seq; readonly end: Seq },
    wanted: { readonly from: Seq; readonly last: Seq },
  ): Promise<readonly ShownEvent[]> {
    const { tape, decimals, orders } = source;
    const { firstSeq, lastSeq, growing } = tape.span;
    const grows = growing && lastSeq < window.end;
    const first = Math.max(window.first, firstSeq, grows ? wanted.from : 0);
    const last = Math.min(window.end, grows ? wanted.last : lastSeq);
    const key = `${tape.id} ${first} ${last} ${decimals.price} ${decimals.size} ${orders}`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const reading = readEvents(source, first, last);
    this.#kept.set(key, reading, { size: 1 });
    reading.then(
      (events) => {
        // Another promise: the cache does not change the size of a value that it has.
        if (this.#kept.peek(key) === reading)
          this.#kept.set(key, Promise.resolve(events), { size: Math.max(1, events.length) });
      },
      () => this.#kept.delete(key), // the store may be away only now
    );
    return reading;
  }
}

/** Of a tape whose later frames may become others no more than a block is read: that is made for it. */
function framesOf({ asOf, index }: Tape): number {
  return asOf === undefined ? windowFrames : index.lastSeq(0) + 1;
}

async function readEvents({ tape, decimals, orders }: EventSource, first: Seq, last: Seq): Promise<ShownEvent[]> {
  const range = { from: { seq: first }, to: { seq: last + 1 } };
  const track = await pinnedTrackOf(tape, range.to);
  const events = await engineEvents(track, range, { decimals, orders });
  return onTapeClock(tape, events);
}

async function onTapeClock(tape: ClockTape, events: readonly VenueEvent[]): Promise<ShownEvent[]> {
  const timed: ShownEvent[] = [];
  let frame = -1;
  let [before, shown] = [0n, 0n];
  for (const { seq, event } of events) {
    if (seq !== frame) {
      frame = seq;
      shown = await frameTime(tape, seq);
      before = seq > tape.span.firstSeq ? await frameTime(tape, seq - 1) : shown;
    }
    const timestampNs = tapeTime(event.timestampNs, before, shown);
    const fromNs = timestampNs < shown ? timestampNs + 1n : shown;
    timed.push({ seq, event: timestampNs === event.timestampNs ? event : { ...event, timestampNs }, fromNs });
  }
  return timed;
}

/** Of events in the order of their frames, those of frames `from` to `to`. */
function between(events: readonly ShownEvent[], from: Seq, to: Seq): readonly ShownEvent[] {
  const start = countBefore(events, from);
  const end = countBefore(events, to + 1);
  return start === 0 && end === events.length ? events : events.slice(start, end);
}

function countBefore(events: readonly ShownEvent[], seq: Seq): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle]?.seq ?? seq) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
